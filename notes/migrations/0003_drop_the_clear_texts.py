"""Drop the column of the clear texts, which are sealed by now; make room for pins and a bin.

Apart from the sealing because PostgreSQL alters no table that has changed rows waiting in the same transaction.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notes", "0002_seal_what_is_written")]

    operations = [
        migrations.RemoveField("note", "text"),
        migrations.AlterField("note", "sealed_text", models.BinaryField(verbose_name="sealed text")),
        migrations.AlterField("note", "sealed_opening", models.BinaryField(verbose_name="sealed opening")),
        migrations.AddField("note", "pinned", models.BooleanField(default=False, verbose_name="pinned")),
        migrations.AddField(
            "note",
            "binned",
            models.DateTimeField(blank=True, db_index=True, editable=False, null=True, verbose_name="put in the bin"),
        ),
        migrations.AlterModelOptions(
            "note",
            options={
                "ordering": ("-pinned", "-created", "-id"),
                "verbose_name": "note",
                "verbose_name_plural": "notes",
            },
        ),
        migrations.RemoveIndex("note", "notes_newest_first"),
        migrations.AddIndex(
            "note", models.Index(fields=["owner", "-pinned", "-created", "-id"], name="notes_pinned_then_newest")
        ),
    ]
