"""Keep earlier versions of notes for thirty days."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notes", "0009_count_uploads"),
    ]

    operations = [
        migrations.CreateModel(
            name="Version",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                ("sealed_text", models.BinaryField(verbose_name="sealed text")),
                ("size", models.PositiveIntegerField(help_text="Bytes, sealed.", verbose_name="size")),
                ("written", models.DateTimeField(verbose_name="written")),
                (
                    "replaced",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name="replaced"),
                ),
                (
                    "note",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="notes.note"
                    ),
                ),
            ],
            options={
                "verbose_name": "earlier version",
                "verbose_name_plural": "earlier versions",
                "ordering": ("-number",),
                "constraints": [
                    models.UniqueConstraint(fields=("note", "number"), name="notes_one_version_of_a_number")
                ],
            },
        ),
    ]
