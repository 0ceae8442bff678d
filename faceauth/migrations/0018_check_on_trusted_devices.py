"""How much of a liveness check a person wants on their trusted devices. Everybody keeps the one movement."""

from django.db import migrations, models

CHOICES = [
    ("glance", "A glance: no movement. The fastest, but a photo held before the camera may pass."),
    ("single", "One movement of the head."),
    ("full", "The full check, as on a new device. The slowest, and the safest."),
]


class Migration(migrations.Migration):
    dependencies = [("faceauth", "0017_sealed_rows")]

    operations = [
        migrations.AddField(
            model_name="photologin",
            name="device_check",
            field=models.CharField(
                choices=CHOICES, default="single", max_length=16, verbose_name="check on trusted devices"
            ),
        )
    ]
