"""Browsers that may know a person, and those that ask to join them. Nobody has one before."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("faceauth", "0013_photo_policy"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TrustedDevice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "cookie_hash",
                    models.CharField(db_index=True, editable=False, max_length=64, verbose_name="hash of the cookie"),
                ),
                ("public_key", models.BinaryField(blank=True, default=bytes, verbose_name="public key")),
                ("name", models.CharField(max_length=64, verbose_name="name")),
                ("created", models.DateTimeField(default=django.utils.timezone.now, verbose_name="first used")),
                (
                    "last_used",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name="last used"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trusted_devices",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "trusted device",
                "verbose_name_plural": "trusted devices",
                "ordering": ("-last_used", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="DeviceApproval",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveSmallIntegerField(verbose_name="number")),
                ("name", models.CharField(max_length=64, verbose_name="name")),
                ("expires", models.DateTimeField(db_index=True, verbose_name="expires")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="device_approvals",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="approvals",
                        to="faceauth.trusteddevice",
                        verbose_name="approved by",
                    ),
                ),
            ],
            options={
                "verbose_name": "device approval",
                "verbose_name_plural": "device approvals",
            },
        ),
        migrations.AddConstraint(
            model_name="trusteddevice",
            constraint=models.UniqueConstraint(fields=("user", "cookie_hash"), name="one_row_per_person_and_browser"),
        ),
    ]
