"""Rewrite the database files: until then the texts that were dropped lie readable in their empty pages."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def sweep(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        elif connection.vendor == "postgresql":
            cursor.execute("VACUUM FULL notes_note")


class Migration(migrations.Migration):
    atomic = False  # neither database lets a transaction do this

    dependencies = [("notes", "0003_drop_the_clear_texts")]

    operations = [migrations.RunPython(sweep, migrations.RunPython.noop)]
