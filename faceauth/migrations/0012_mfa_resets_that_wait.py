"""Resets of a second factor wait, with a reason and the operators' names. Those of before are done."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F


def mark_old_ones_done(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    resets: Any = apps.get_model("faceauth", "MFAReset")._default_manager.using(schema_editor.connection.alias)
    resets.update(due=F("at"), done=F("at"))


def operator(verbose_name: str) -> Any:
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        verbose_name=verbose_name,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("faceauth", "0011_plain_labels"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            "mfareset", "at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="requested")
        ),
        migrations.AddField(
            "mfareset",
            "reason",
            models.CharField(blank=True, default="", max_length=500, verbose_name="reason"),
            preserve_default=False,
        ),
        migrations.AddField("mfareset", "requested_by", operator("requested by")),
        migrations.AddField("mfareset", "approved_by", operator("approved by")),
        migrations.AddField("mfareset", "due", models.DateTimeField(null=True, verbose_name="takes effect")),
        migrations.AddField("mfareset", "done", models.DateTimeField(null=True, verbose_name="done")),
        migrations.AddField(
            "mfareset", "stopped", models.DateTimeField(null=True, verbose_name="stopped by the person")
        ),
        migrations.RunPython(mark_old_ones_done, migrations.RunPython.noop),
    ]
