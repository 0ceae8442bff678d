"""In which language the text was read. Of consents from before it is not known, and stays empty."""

from django.db import migrations, models

import faceauth.models.faces


class Migration(migrations.Migration):
    dependencies = (("faceauth", "0024_seals_of_account_changes"),)

    operations = (
        migrations.AddField("consent", "language", models.CharField("language", max_length=16, blank=True, default="")),
        migrations.AlterField(
            "consent",
            "language",
            models.CharField("language", max_length=16, blank=True, default=faceauth.models.faces.spoken),
        ),
    )
