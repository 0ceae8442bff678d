"""Call the columns by today's words. The rows stay as they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notes", "0007_single_keys_can_be_switched_off")]

    operations = [
        migrations.RenameField("note", "binned", "trashed"),
        migrations.RenameField("attachment", "content_at", "content_path"),
        migrations.RenameField("attachment", "thumbnail_at", "thumbnail_path"),
        migrations.AlterField(
            "note",
            "trashed",
            models.DateTimeField(
                blank=True, db_index=True, editable=False, null=True, verbose_name="moved to the trash"
            ),
        ),
        migrations.AlterField(
            "attachment", "content_path", models.CharField(max_length=200, verbose_name="file of the content")
        ),
        migrations.AlterField(
            "attachment",
            "thumbnail_path",
            models.CharField(blank=True, max_length=200, verbose_name="file of the thumbnail"),
        ),
    ]
