"""Give everybody a key of their own, and seal with it what they have written so far."""

import os

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from notes import encryption as sealing

OPENING_LENGTH = 300  # notes.models has its own, which may change


def seal_notes(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    key_model, note_model = apps.get_model("notes", "Key"), apps.get_model("notes", "Note")
    for owner in note_model.objects.order_by().values_list("owner_id", flat=True).distinct():
        secret = os.urandom(sealing.KEY)
        wrapped, key_id = sealing.wrap(secret, owner)
        key_model.objects.create(owner_id=owner, wrapped=wrapped, wrapped_by=key_id)
        for note in note_model.objects.filter(owner_id=owner).iterator(100):
            place = f"of note {note.pk} of {owner}"
            note.sealed_text = sealing.seal(secret, note.text.encode(), f"text {place}")
            note.sealed_opening = sealing.seal(secret, note.text[:OPENING_LENGTH].encode(), f"opening {place}")
            note.text = ""
            note.save()


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("notes", "0001_notes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Key",
            fields=[
                (
                    "owner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="notes_key",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("wrapped", models.BinaryField(verbose_name="wrapped key")),
                ("wrapped_by", models.CharField(db_index=True, max_length=16, verbose_name="wrapped by")),
            ],
            options={"verbose_name": "key", "verbose_name_plural": "keys"},
        ),
        migrations.AddField("note", "sealed_text", models.BinaryField(default=b"", verbose_name="sealed text")),
        migrations.AddField("note", "sealed_opening", models.BinaryField(default=b"", verbose_name="sealed opening")),
        migrations.RunPython(seal_notes),  # there is no way back: it would put everything in the clear
    ]
