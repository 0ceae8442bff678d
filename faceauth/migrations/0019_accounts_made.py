"""Which accounts an enrolment made, when consent was withdrawn, and enrolments that need consent first.

Until now every account with a face and without a password was made by its enrolment.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import migrations, models

BATCH = 500


def note_accounts(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("faceauth", "PhotoLogin")._base_manager
    users = apps.get_model(settings.AUTH_USER_MODEL)._base_manager
    made = users.filter(faces__isnull=False, password__startswith=UNUSABLE_PASSWORD_PREFIX).distinct()
    known = rows.filter(user__in=made)
    missing = made.filter(photo_login=None).values_list("pk", flat=True)
    keys = list(missing)
    known.update(account_made=True)
    rows.bulk_create((rows.model(user_id=key, account_made=True) for key in keys), batch_size=BATCH)


REASONS = [
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
    ("consent_required", "consent required"),
    ("password_required", "password required"),
    ("password_failed", "password failed"),
]


class Migration(migrations.Migration):
    dependencies = [("faceauth", "0018_check_on_trusted_devices")]

    operations = [
        migrations.AddField(
            model_name="photologin",
            name="account_made",
            field=models.BooleanField(default=False, verbose_name="account made by an enrolment"),
        ),
        migrations.AddField(
            model_name="consent",
            name="withdrawn",
            field=models.DateTimeField(blank=True, null=True, verbose_name="withdrawn"),
        ),
        migrations.AlterField(
            model_name="signin",
            name="reason",
            field=models.CharField(blank=True, choices=REASONS, max_length=24, verbose_name="reason"),
        ),
        migrations.RunPython(note_accounts, migrations.RunPython.noop),
    ]
