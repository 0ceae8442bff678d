"""Seals of what can be taken back; what there is is sealed as it is."""

from typing import Any

from django.db import migrations, models

from faceauth.models.row_seals import made_now

BATCH = 500
SEALED = ("user", "kind", "subject")


def seal_rows(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("faceauth", "AccountChange")._base_manager
    while batch := list(rows.filter(seal="")[:BATCH]):
        for row in batch:
            row.seal = made_now(row, SEALED)
        rows.bulk_update(batch, ["seal"])


class Migration(migrations.Migration):
    dependencies = [("faceauth", "0023_seals_of_what_lets_in")]

    operations = [
        migrations.AddField(
            model_name="accountchange",
            name="seal",
            field=models.CharField(default="", editable=False, max_length=96, verbose_name="seal"),
        ),
        migrations.RunPython(seal_rows, migrations.RunPython.noop),
    ]
