"""Typed readers for settings that come from the environment.

A value that cannot work stops the start, with a sentence that names the variable and the cure.
"""

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list, without its empty items."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def boolean(name: str, default: bool = False) -> bool:
    value = text(name, str(default)).lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}: write 1 for yes or 0 for no.")


def number(name: str, default: float, low: float, high: float) -> float:
    value = text(name, str(default))
    try:
        result = float(value)
    except ValueError:
        result = float("nan")
    if not low <= result <= high:  # also false for a NaN
        raise ImproperlyConfigured(
            f"{name} is {value!r}: write a number from {low:g} to {high:g}, or leave it out for {default:g}."
        )
    return result


def number_or(name: str, word: str, low: float, high: float) -> float | str:
    """A number, or the one word that may stand in its place, which is the default."""
    value = text(name, word).lower()
    if value == word:
        return word
    try:
        result = float(value)
    except ValueError:
        result = float("nan")
    if not low <= result <= high:
        raise ImproperlyConfigured(f"{name} is {value!r}: write {word}, or a number from {low:g} to {high:g}.")
    return result


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = text(name, default).lower()
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}: write one of {', '.join(choices)}.")
    return value


def credentials(name: str) -> dict[str, str]:
    """AWS credentials, `access key id:secret access key`, with commas between: secrets by their ids."""
    found = {}
    for position, word in enumerate(words(name), 1):
        key_id, colon, secret = word.partition(":")
        if not (key_id and colon and secret):
            raise ImproperlyConfigured(  # which says nothing of what stands there: it may be a secret
                f"Item {position} of {name} is not a pair of credentials: write ACCESS_KEY_ID:SECRET_ACCESS_KEY, with"
                " commas between pairs."
            )
        found[key_id] = secret
    return found


def home(default: Path) -> Path:
    """The folder of all state, made on first use; only its owner may look in."""
    folder = Path(text("SECRETLY_HOME", str(default))).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"SECRETLY_HOME is {str(folder)!r}, which cannot be made ({error.strerror}):"
            " name a folder that can be written."
        ) from error
    return folder


def secret_key(folder: Path) -> str:
    """Django's SECRET_KEY: DJANGO_SECRET_KEY, or the one that the first run left in `folder`."""
    return text("DJANGO_SECRET_KEY") or kept_secret(folder / "secret.key", secrets.token_urlsafe(64))


def encryption_keys(folder: Path) -> list[str]:
    """The Fernet keys that protect what is at rest, the writing one first.

    They are not derived from SECRET_KEY: that one is changed when sessions must end, and such a change
    must not lose a note or a face.
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


def kept_secret(path: Path, fresh: str) -> str:
    """Read the secret in `path`, or keep `fresh` there, readable by the owner alone.

    Several processes may start at once on an empty folder: the one that links its file first decides.
    """
    try:
        if not path.exists():
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(fresh)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)  # unlike a rename, this never replaces a secret that is already there
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        value = path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} cannot be read or made ({error.strerror}): give this user access to its folder."
        ) from error
    if not value:
        raise ImproperlyConfigured(f"{path} is empty: restore it from a backup, or delete it to have a new one made.")
    return value
