"""A face says under a key to whom it was given. Those that are given are so as they are."""

from typing import Any

from django.db import migrations, models

from faceauth.local.models import link_of
from faceauth.local.template_encryption import current_key

BATCH = 500


def link(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("faceauth_local", "Face")._base_manager.exclude(user=None).filter(link="")
    while batch := list(rows.select_related("user")[:BATCH]):
        for face in batch:
            face.link = link_of(current_key(), face.face_id, face.user.user_id)
        rows.model._base_manager.bulk_update(batch, ["link"])


class Migration(migrations.Migration):
    dependencies = [("faceauth_local", "0003_templates_without_the_mean")]

    operations = [
        migrations.AddField(
            model_name="face",
            name="link",
            field=models.CharField(blank=True, default="", editable=False, max_length=64),
        ),
        migrations.RunPython(link, migrations.RunPython.noop),
    ]
