"""A sign-in can be refused because the face is not clear enough. No column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("faceauth", "0015_quick_checks"),
    ]

    operations = [
        migrations.AlterField(
            model_name="signin",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("no_face", "no face"),
                    ("several_faces", "several faces"),
                    ("too_small", "too small"),
                    ("too_dark", "too dark"),
                    ("too_bright", "too bright"),
                    ("blurred", "blurred"),
                    ("turned_away", "turned away"),
                    ("unclear", "unclear"),
                    ("not_an_image", "not an image"),
                    ("unsupported_format", "unsupported format"),
                    ("too_large", "too large"),
                    ("liveness_failed", "liveness check failed"),
                    ("expired", "expired"),
                    ("ambiguous", "ambiguous"),
                    ("inactive", "inactive"),
                    ("closed", "closed"),
                    ("near_match", "near match"),
                    ("different_person", "different person"),
                    ("too_many_faces", "no room for more faces"),
                    ("liveness_required", "liveness check required"),
                    ("claim", "asked whose notebook it is"),
                    ("mfa_required", "second factor required"),
                    ("mfa_failed", "second factor failed"),
                ],
                max_length=24,
                verbose_name="reason",
            ),
        ),
    ]
