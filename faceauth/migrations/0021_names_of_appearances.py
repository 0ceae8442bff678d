"""People give their appearances names, such as "with glasses"."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("faceauth", "0020_places_of_photo_enrolments"),)

    operations = (
        migrations.AddField("face", "name", models.CharField(blank=True, max_length=64, verbose_name="name")),
    )
