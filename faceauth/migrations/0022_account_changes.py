"""Sensitive acts are shown at the next sign-in."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (
        ("faceauth", "0021_names_of_appearances"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    )

    operations = (
        migrations.CreateModel(
            name="AccountChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("passkey_added", "A passkey was added"),
                            ("app_added", "An authenticator app was added"),
                            ("codes_made", "New recovery codes were made"),
                            ("factor_removed", "A second factor was removed"),
                            ("face_added", "An appearance was added"),
                            ("face_removed", "An appearance was removed"),
                            ("device_trusted", "A device was trusted"),
                            ("device_approved", "A new device was let in by a yes on a trusted one"),
                            ("device_ended", "A trusted device was removed"),
                            ("photos_changed", "What a photo may open was changed"),
                            ("check_changed", "The check on trusted devices was changed"),
                            ("sessions_ended", "Sessions were ended"),
                            ("exported", "A copy of your data was downloaded"),
                            ("site_act", "A protected setting was changed"),
                            ("taken_back", "A change was taken back"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="at")),
                ("name", models.CharField(blank=True, max_length=64, verbose_name="name")),
                ("subject", models.CharField(blank=True, max_length=64, verbose_name="subject")),
                ("device", models.CharField(blank=True, max_length=200, verbose_name="device")),
                ("address", models.GenericIPAddressField(blank=True, null=True, verbose_name="address")),
                ("answered", models.DateTimeField(blank=True, null=True, verbose_name="answered")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="account_changes",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "account change",
                "verbose_name_plural": "account changes",
                "ordering": ("-at", "-pk"),
                "indexes": [models.Index(fields=["user", "answered"], name="change_to_answer")],
            },
        ),
    )
