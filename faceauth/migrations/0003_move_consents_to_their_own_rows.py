"""A consent outlives the face it was given for, and a face says by itself whose it is in Rekognition."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import migrations


def move(apps: Any, schema_editor: Any) -> None:
    face_model = apps.get_model("faceauth", "Face")
    consent_model = apps.get_model("faceauth", "Consent")
    name = get_user_model().USERNAME_FIELD
    for face in face_model.objects.select_related("user").iterator(chunk_size=1000):
        face.person = getattr(face.user, name)  # until now the ExternalImageId was the user's name
        face.save(update_fields=["person"])
        if face.consent:
            consent_model.objects.create(user=face.user, text=face.consent, given=face.remembered)


class Migration(migrations.Migration):
    dependencies = [("faceauth", "0002_ledger_consents_and_looks")]
    operations = [migrations.RunPython(move, migrations.RunPython.noop)]
