"""Models, fields and codes get the names that the field uses. Every row stays."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

OUTCOMES = {"remembered": "enrolled"}
REASONS = {
    "look_failed": "liveness_failed",
    "look_expired": "expired",
    "look_needed": "liveness_required",
    "lock_needed": "mfa_required",
    "lock_failed": "mfa_failed",
    "enough_looks": "too_many_faces",
    "somebody_else": "different_person",
    "familiar": "near_match",
    "too_alike": "ambiguous",
}
METHODS = {"look": "liveness"}
PERMISSIONS = {  # codenames: Django names them after the model, and does not follow a model's new name
    "login": "signin",
    "look": "livenesssession",
    "tally": "ratecount",
    "examination": "healthcheck",
    "clearing": "mfareset",
    "photopath": "photologin",
    "codeapp": "authenticatorapp",
}


def rename_values(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    sign_ins: Any = apps.get_model("faceauth", "SignIn").objects.using(schema_editor.connection.alias)
    for field, renamed in (("outcome", OUTCOMES), ("reason", REASONS), ("method", METHODS)):
        for old, new in renamed.items():
            sign_ins.filter(**{field: old}).update(**{field: new})


def rename_permissions(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """So that what groups and operators were given stays theirs."""
    permissions: Any = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    ours = permissions.filter(content_type__app_label="faceauth")
    for old, new in PERMISSIONS.items():
        for act in ("add", "change", "delete", "view"):
            ours.filter(codename=f"{act}_{old}").update(codename=f"{act}_{new}")
    ours.filter(codename="care_for_people").update(codename="act_on_people")


class Migration(migrations.Migration):
    dependencies = [
        ("faceauth", "0009_second_locks_and_photo_paths"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RenameModel("Login", "SignIn"),
        migrations.RenameModel("Look", "LivenessSession"),
        migrations.RenameModel("Tally", "RateCount"),
        migrations.RenameModel("Examination", "HealthCheck"),
        migrations.RenameModel("Clearing", "MFAReset"),
        migrations.RenameModel("PhotoPath", "PhotoLogin"),
        migrations.RenameModel("CodeApp", "AuthenticatorApp"),
        migrations.RenameIndex("signin", old_name="login_figures", new_name="signin_figures"),
        migrations.RenameIndex("signin", old_name="login_of_an_address", new_name="signin_by_address"),
        migrations.RenameField("signin", "way", "method"),
        migrations.RenameField("face", "remembered", "enrolled"),
        migrations.RenameField("healthcheck", "mended", "repaired"),
        migrations.AlterModelOptions(
            name="authenticatorapp",
            options={"verbose_name": "authenticator app", "verbose_name_plural": "authenticator apps"},
        ),
        migrations.AlterModelOptions(
            name="deletion",
            options={
                "ordering": ("-requested", "pk"),
                "verbose_name": "deletion",
                "verbose_name_plural": "deletion ledger",
            },
        ),
        migrations.AlterModelOptions(
            name="face",
            options={
                "ordering": ("-enrolled",),
                "permissions": (("act_on_people", "Can deactivate, activate, sign out, unlock and forget people"),),
                "verbose_name": "face",
                "verbose_name_plural": "faces",
            },
        ),
        migrations.AlterModelOptions(
            name="healthcheck",
            options={
                "ordering": ("-at", "-pk"),
                "verbose_name": "health check",
                "verbose_name_plural": "health checks",
            },
        ),
        migrations.AlterModelOptions(
            name="livenesssession",
            options={"verbose_name": "liveness check under way", "verbose_name_plural": "liveness checks under way"},
        ),
        migrations.AlterModelOptions(
            name="mfareset",
            options={
                "ordering": ("-at", "-pk"),
                "verbose_name": "second-factor reset",
                "verbose_name_plural": "second-factor resets",
            },
        ),
        migrations.AlterModelOptions(
            name="photologin",
            options={"verbose_name": "photo sign-in choice", "verbose_name_plural": "photo sign-in choices"},
        ),
        migrations.AlterModelOptions(
            name="ratecount",
            options={"verbose_name": "rate limit count", "verbose_name_plural": "rate limit counts"},
        ),
        migrations.AlterModelOptions(
            name="signin",
            options={"ordering": ("-at", "-pk"), "verbose_name": "sign-in", "verbose_name_plural": "sign-in log"},
        ),
        migrations.AlterModelOptions(
            name="spentframe",
            options={"verbose_name": "used frame", "verbose_name_plural": "used frames"},
        ),
        migrations.AlterField(
            model_name="face",
            name="enrolled",
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name="enrolled"),
        ),
        migrations.AlterField(
            model_name="healthcheck",
            name="repaired",
            field=models.PositiveBigIntegerField(default=0, verbose_name="repaired"),
        ),
        migrations.AlterField(
            model_name="mfareset",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mfa_resets",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AlterField(
            model_name="photologin",
            name="user",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="photo_login",
                serialize=False,
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AlterField(
            model_name="signin",
            name="method",
            field=models.CharField(
                blank=True,
                choices=[("liveness", "liveness check"), ("camera", "camera"), ("file", "chosen file")],
                max_length=8,
                verbose_name="method",
            ),
        ),
        migrations.AlterField(
            model_name="signin",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("recognised", "recognised"),
                    ("enrolled", "enrolled"),
                    ("stranger", "stranger"),
                    ("refused", "refused"),
                    ("throttled", "throttled"),
                    ("unavailable", "unavailable"),
                ],
                max_length=16,
                verbose_name="outcome",
            ),
        ),
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
                    ("mfa_required", "second factor required"),
                    ("mfa_failed", "second factor failed"),
                ],
                max_length=24,
                verbose_name="reason",
            ),
        ),
        migrations.AlterField(
            model_name="signin",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="sign_ins",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.RunPython(rename_values, migrations.RunPython.noop, elidable=False),
        migrations.RunPython(rename_permissions, migrations.RunPython.noop, elidable=False),
    ]
