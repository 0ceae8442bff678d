"""How each person was enrolled and has proved themselves, and what their photos may open since. Every row stays.

People of before keep what they have until they next pass a check: `enrolled_by_photo` and `liveness_passed` are
unset for them.
"""

from typing import Any

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def rename_choice(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rows: Any = apps.get_model("faceauth", "PhotoLogin").objects.using(schema_editor.connection.alias)
    rows.filter(choice="with_lock").update(choice="with_mfa")


class Migration(migrations.Migration):
    dependencies = [
        ("faceauth", "0012_mfa_resets_that_wait"),
    ]

    operations = [
        migrations.AddField(
            model_name="photologin",
            name="enrolled_by_photo",
            field=models.BooleanField(default=False, verbose_name="enrolled by a photo"),
        ),
        migrations.AddField(
            model_name="photologin",
            name="liveness_passed",
            field=models.DateTimeField(blank=True, null=True, verbose_name="first liveness check"),
        ),
        migrations.AddField(
            model_name="photologin",
            name="returned",
            field=models.BooleanField(default=False, verbose_name="came back"),
        ),
        migrations.AddField(
            model_name="photologin",
            name="superseded",
            field=models.BooleanField(default=False, verbose_name="photos only"),
        ),
        migrations.AlterField(
            model_name="photologin",
            name="choice",
            field=models.CharField(
                choices=[
                    ("open", "A photo opens my notebook where this site allows it."),
                    ("with_mfa", "A photo opens my notebook only with my second factor or on a trusted device."),
                    ("never", "A photo never opens my notebook."),
                ],
                default="open",
                max_length=16,
                verbose_name="choice",
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
                    ("claim", "asked whose notebook it is"),
                    ("mfa_required", "second factor required"),
                    ("mfa_failed", "second factor failed"),
                ],
                max_length=24,
                verbose_name="reason",
            ),
        ),
        migrations.RunPython(rename_choice, migrations.RunPython.noop, elidable=False),
    ]
