"""Seals of what else decides who gets in: accounts of operators, recovery codes, resets, what a photo may open.

What there is is sealed as it is, and everybody with a face or a second factor gets the row that says whether they have
one.
"""

from collections.abc import Iterable
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from faceauth.models.operators import is_operator, stated_of
from faceauth.models.row_seals import made_now

BATCH = 500
SEALED = {
    "Enrolment": ("external_id", "collection_id", "winner"),
    "MFAReset": ("user", "due", "done", "stopped"),
    "PhotoLogin": ("user", "choice", "enrolled_by_photo", "liveness_passed", "superseded", "has_mfa", "device_check"),
}


def begin(apps: Any, schema_editor: Any) -> None:
    """The rows that were not needed before."""
    faceauth = {name: apps.get_model("faceauth", name)._base_manager for name in ("Face", "Passkey", "PhotoLogin")}
    with_app = apps.get_model("otp_totp", "TOTPDevice")._base_manager.filter(confirmed=True)
    with_mfa = ids(faceauth["Passkey"].all()) | ids(with_app)
    app_label, _, name = settings.AUTH_USER_MODEL.partition(".")
    operators = [user for user in apps.get_model(app_label, name)._base_manager.iterator() if is_operator(user)]
    needed = ids(faceauth["Face"].all()) | with_mfa | {user.pk for user in operators}
    missing = needed - ids(faceauth["PhotoLogin"].all())
    model = apps.get_model("faceauth", "PhotoLogin")
    model._base_manager.bulk_create([model(user_id=pk) for pk in sorted(missing)], batch_size=BATCH)
    for pk in with_mfa:
        model._base_manager.filter(user_id=pk).update(has_mfa=True)
    insert(
        apps.get_model("faceauth", "OperatorAccount"),
        ("user", "stated"),
        ({"user_id": user.pk, "stated": stated_of(user)} for user in operators),
    )


def ids(rows: Any) -> set[Any]:
    return set(rows.values_list("user_id", flat=True))


def move_recovery_codes(apps: Any, schema_editor: Any) -> None:
    """The hashes of recovery codes were salted with the key of their device."""
    tokens = apps.get_model("otp_static", "StaticToken")._base_manager.select_related("device")
    insert(
        apps.get_model("faceauth", "RecoveryCode"),
        ("user", "salt", "digest"),
        (
            {"user_id": token.device.user_id, "salt": str(token.device_id), "digest": token.token}
            for token in tokens.iterator()
        ),
    )
    tokens.all().delete()
    apps.get_model("otp_static", "StaticDevice")._base_manager.all().delete()


def insert(model: Any, sealed: tuple[str, ...], rows: Iterable[dict[str, Any]]) -> None:
    made = [model(**values) for values in rows]
    for row in made:
        row.seal = made_now(row, sealed)
    model._base_manager.bulk_create(made, batch_size=BATCH)


def seal_rows(apps: Any, schema_editor: Any) -> None:
    for name, columns in SEALED.items():
        rows = apps.get_model("faceauth", name)._base_manager
        while batch := list(rows.filter(seal="")[:BATCH]):
            for row in batch:
                row.seal = made_now(row, columns)
            rows.bulk_update(batch, ["seal"])


def seal_field() -> "models.CharField[str, str]":
    return models.CharField(default="", editable=False, max_length=96, verbose_name="seal")


def user_field(field: type[Any], **options: Any) -> Any:
    cascade = django.db.models.deletion.CASCADE
    return field(on_delete=cascade, to=settings.AUTH_USER_MODEL, verbose_name="user", **options)


class Migration(migrations.Migration):
    dependencies = [
        ("faceauth", "0022_account_changes"),
        ("otp_static", "0003_add_timestamps"),
        ("otp_totp", "0003_add_timestamps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OperatorAccount",
            fields=[
                ("seal", seal_field()),
                ("user", user_field(models.OneToOneField, primary_key=True, related_name="+", serialize=False)),
                ("stated", models.CharField(editable=False, max_length=64, verbose_name="digest of the account")),
            ],
            options={"verbose_name": "operator's account", "verbose_name_plural": "operators' accounts"},
        ),
        migrations.DeleteModel(name="RecoveryCodes"),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seal", seal_field()),
                ("user", user_field(models.ForeignKey, related_name="recovery_codes")),
                ("salt", models.CharField(editable=False, max_length=64, verbose_name="salt")),
                ("digest", models.CharField(editable=False, max_length=16, verbose_name="hash of the code")),
            ],
            options={"verbose_name": "recovery code", "verbose_name_plural": "recovery codes"},
        ),
        migrations.AddField(
            model_name="photologin",
            name="has_mfa",
            field=models.BooleanField(default=False, verbose_name="has a second factor"),
        ),
        *(migrations.AddField(model_name=name.lower(), name="seal", field=seal_field()) for name in SEALED),
        migrations.RunPython(begin, migrations.RunPython.noop),
        migrations.RunPython(move_recovery_codes, migrations.RunPython.noop),
        migrations.RunPython(seal_rows, migrations.RunPython.noop),
    ]
