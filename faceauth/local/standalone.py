"""Django's settings of a service on its own: `python -m faceauth.local`. Its folder holds the database and the key."""

import os
from pathlib import Path

from cryptography.fernet import Fernet

HOME = Path(os.environ.get("REKOGNITION_LOCAL_HOME") or Path.home() / ".local" / "share" / "rekognition-local")
OURS = ("encryption.key", "rekognition.sqlite3")
os.umask(0o077)  # SQLite makes its files readable for all
HOME.mkdir(parents=True, exist_ok=True)
if HOME.stat().st_mode & 0o007:
    if not all(path.name.startswith(OURS) for path in HOME.iterdir()):
        raise SystemExit(f"Others can read {HOME}: run chmod 700 on it, or name another REKOGNITION_LOCAL_HOME.")
    HOME.chmod(0o700)
    for path in HOME.iterdir():
        path.chmod(0o600)


def stored_key(path: Path) -> str:
    """The key in the file, which the first start makes."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(Fernet.generate_key().decode())
    except FileExistsError:
        pass
    return path.read_text().strip()


def credentials(text: str) -> dict[str, str]:
    """Secret access keys by their ids, from ID:SECRET pairs with commas between."""
    pairs = (pair.strip().partition(":") for pair in text.split(",") if pair.strip())
    return {key_id: secret for key_id, _, secret in pairs}


SECRET_KEY = "not used: there are no sessions and no forms"  # noqa: S105
INSTALLED_APPS = ["faceauth.local"]
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HOME / "rekognition.sqlite3",
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
FACEAUTH = {
    "ENCRYPTION_KEYS": [stored_key(HOME / "encryption.key")],
    "LOCAL_SECRET_KEYS": credentials(os.environ.get("REKOGNITION_LOCAL_CREDENTIALS", "")),
    "REGION": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
}
