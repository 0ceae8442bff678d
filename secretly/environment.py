"""Typed readers for settings that come from the environment.

A value that cannot work stops the start, with a sentence that names the variable and the cure.
"""

import os
import re
import secrets
import stat
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}

read: dict[str, str] = {}
"""The default of each variable that was read. A test compares them with docs/settings.md."""


def text(name: str, default: str = "") -> str:
    read[name] = default
    return os.environ.get(name, default).strip()


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list, without its empty items."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def boolean(name: str, default: bool = False) -> bool:
    value = text(name, "1" if default else "0").lower()
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} is {value!r}: write 1 for yes or 0 for no.")
    return value in TRUE


def number(name: str, default: float, low: float, high: float) -> float:
    return in_range(name, text(name, str(default)), low, high, f"or leave it out for {default:g}")


def number_or(name: str, word: str, low: float, high: float) -> float | str:
    """A number, or the word that is the default."""
    value = text(name, word).lower()
    return word if value == word else in_range(name, value, low, high, f"or {word}")


def in_range(name: str, value: str, low: float, high: float, otherwise: str) -> float:
    try:
        result = float(value)
    except ValueError:
        result = float("nan")
    if not low <= result <= high:  # also false for a NaN
        raise ImproperlyConfigured(f"{name} is {value!r}: write a number from {low:g} to {high:g}, {otherwise}.")
    return result


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = text(name, default).lower()
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}: write one of {', '.join(choices)}.")
    return value


def origins(name: str) -> list[str]:
    """Addresses as browsers tell them in `Origin`: scheme, host, and the port where it is not the scheme's own."""
    for word in words(name):
        if not re.fullmatch(r"https?://(\*\.)?[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?", word):
            raise ImproperlyConfigured(
                f"{name} has {word!r}, which is no origin: write such as https://example.com:8443."
            )
    return words(name)


def credentials(name: str) -> dict[str, str]:
    """AWS credentials, `access key id:secret access key` with commas between: the secrets by their ids."""
    found = {}
    for position, word in enumerate(words(name), 1):
        key_id, colon, secret = word.partition(":")
        if not (key_id and colon and secret):
            raise ImproperlyConfigured(  # without the value, which may hold a secret
                f"Item {position} of {name} is not a pair of credentials: write ACCESS_KEY_ID:SECRET_ACCESS_KEY, with"
                " commas between pairs."
            )
        found[key_id] = secret
    return found


# The home -------------------------------------------------------------------------------------------------------------

OWN_FILES = ("secret.key", "encryption.key", "secretly.sqlite3")


def home(default: Path) -> Path:
    """The folder of all state, made on first use. Only its owner may read it: see `make_private`."""
    folder = Path(text("SECRETLY_HOME", str(default))).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(folder)
    except OSError as error:
        raise ImproperlyConfigured(
            f"SECRETLY_HOME is {str(folder)!r}, which cannot be made or made private ({error.strerror}):"
            " name a folder that this user owns."
        ) from error
    return folder


def make_private(folder: Path) -> None:
    """Close a home that others can read. A folder that is not clearly ours (`/var/lib`, say) is refused instead."""
    if not open_to_others(folder):
        return
    if not any(folder.iterdir()) or any((folder / name).exists() for name in OWN_FILES):
        folder.chmod(0o700)
    if open_to_others(folder):
        raise ImproperlyConfigured(
            f"SECRETLY_HOME is {str(folder)!r}, which other users of this machine can read: name a folder of its own,"
            f" or say chmod 700 {folder}"
        )


def open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IRWXO)


def secret_key(folder: Path) -> str:
    """Django's SECRET_KEY: DJANGO_SECRET_KEY, or the one that the first run left in `folder`."""
    return text("DJANGO_SECRET_KEY") or kept_secret(folder / "secret.key", secrets.token_urlsafe(64))


def encryption_keys(folder: Path) -> list[str]:
    """The Fernet keys of what is encrypted at rest; the first one writes.

    They are not derived from SECRET_KEY, which is changed to end all sessions: no note or face may be lost by that.
    """
    keys = words("SECRETLY_ENCRYPTION_KEYS") or [kept_secret(folder / "encryption.key", Fernet.generate_key().decode())]
    for key in keys:
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                "SECRETLY_ENCRYPTION_KEYS holds something that is not a key: each is 32 random bytes in url-safe"
                " base64, as `openssl rand -base64 32 | tr +/ -_` prints them, with commas between."
            ) from error
    return keys


def kept_secret(path: Path, new: str) -> str:
    """Read the secret in `path`, or write `new` there, readable by its owner alone.

    Several processes may start at once in an empty folder: the first to link its file decides.
    """
    try:
        if not path.exists():
            link_secret(path, new)
        value = path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} cannot be read or made ({error.strerror}): give this user access to its folder."
        ) from error
    if not value:
        raise ImproperlyConfigured(f"{path} is empty: restore it from a backup, or delete it to have a new one made.")
    return value


def link_secret(path: Path, secret: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # unlike a rename, this never replaces a secret that is already there
    except FileExistsError:
        pass
    finally:
        draft.unlink()
