"""Seals of the rows that say whose a face, a passkey or a device is. Those that exist are sealed as they are."""

from typing import Any

from django.db import migrations, models

from faceauth.models.row_seals import made_now

SEALED = {
    "Face": ("user", "face_id", "person", "collection_id"),
    "Passkey": ("user", "credential_id", "public_key", "host"),
    "TrustedDevice": ("user", "cookie_hash", "public_key"),
    "DeviceApproval": ("id", "user", "approved_by"),
}
BATCH = 500


def seal_rows(apps: Any, schema_editor: Any) -> None:
    for name, columns in SEALED.items():
        rows = apps.get_model("faceauth", name)._base_manager
        while batch := list(rows.filter(seal="")[:BATCH]):
            for row in batch:
                row.seal = made_now(row, columns)
            rows.bulk_update(batch, ["seal"])


class Migration(migrations.Migration):
    dependencies = [("faceauth", "0016_unclear_pictures")]

    operations = [
        *(
            migrations.AddField(
                model_name=name.lower(),
                name="seal",
                field=models.CharField(default="", editable=False, max_length=96, verbose_name="seal"),
            )
            for name in SEALED
        ),
        migrations.RunPython(seal_rows, migrations.RunPython.noop),
    ]
