import os
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


def make_database_private(connection: Any, **kwargs: Any) -> None:
    """Let nobody but its owner read an SQLite database, wherever DATABASE_URL puts it."""
    if connection.vendor != "sqlite" or connection.is_in_memory_db():
        return
    name = str(connection.settings_dict["NAME"])
    for path in (Path(name), Path(f"{name}-wal"), Path(f"{name}-shm")):
        if path.exists() and path.stat().st_uid == os.getuid() and path.stat().st_mode & 0o077:
            path.chmod(0o600)


class SecretlyConfig(AppConfig):
    name = "secretly"

    def ready(self) -> None:
        from secretly import checks  # noqa: F401 - registers them

        connection_created.connect(make_database_private, dispatch_uid="secretly.private_database")
