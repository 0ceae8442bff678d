"""Everything that is held about a person, as a ZIP that is written while it is sent.

What other apps hold is added by the functions that FACEAUTH["EXPORTERS"] names: each is given the user and yields the
name of a file and its content, in pieces of text or bytes. Templates are not in it: nobody could read them, and
whoever found the file could use them.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from faceauth.audit import user_agents
from faceauth.conf import conf
from faceauth.mfa import authenticators
from faceauth.models import Consent, Face, MFAReset, SignIn, TrustedDevice
from faceauth.policy import photo_logins

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Files = Iterator[tuple[str, Iterable[str | bytes]]]
Exporter = Callable[["User"], Files]


class Pipe(io.RawIOBase):
    """What the archive is written to; it cannot be sought, and what is in it is taken out again at once."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.waiting += piece
        return len(piece)

    def taken(self) -> bytes:
        piece = bytes(self.waiting)
        self.waiting.clear()
        return piece


def archive(user: "User") -> Iterator[bytes]:
    """The ZIP, piece by piece."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in files(user):
            with written.open(name, "w") as file:
                for piece in content:
                    file.write(piece.encode() if isinstance(piece, str) else piece)
                    if pipe.waiting:
                        yield pipe.taken()
    yield pipe.taken()


def files(user: "User") -> Files:
    yield "README.md", [str(README)]
    yield "profile.json", [written(profile(user))]
    yield "consents.json", array(consents(user))
    yield "looks.json", array(looks(user))
    yield "door.json", array(door(user))
    yield "locks.json", [written(second_lock(user))]
    for name in conf().EXPORTERS:
        exporter: Exporter = import_string(name)
        yield from exporter(user)


README = _("""# Everything I hold about you

- `profile.json`: your user.
- `consents.json`: what you agreed to, and when.
- `looks.json`: the faces by which I know you. The numbers that describe them are not here: they are of no use to you,
  and would be to somebody who found this file.
- `door.json`: your visits.
- `locks.json`: your second lock: when each part of it was added and last used, what a photo may open, and when an
  operator took your lock away. The secrets of it are not here, for the same reason.

All times are in UTC.
""")


def written(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) + "\n"


def array(rows: Iterable[dict[str, object]]) -> Iterator[str]:
    """A JSON array, a row at a time."""
    separator = "[\n"
    for row in rows:
        yield separator + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n" if separator != "[\n" else "[]\n"


def profile(user: "User") -> dict[str, object]:
    return {
        "name": user.get_username(),
        "enrolled": getattr(user, "date_joined", None),
        "last_visit": user.last_login,
        "active": user.is_active,
    }


def consents(user: "User") -> Iterator[dict[str, object]]:
    for consent in Consent.objects.filter(user_id=user.pk).iterator(chunk_size=500):
        yield {"text": consent.text, "given": consent.given}


def looks(user: "User") -> Iterator[dict[str, object]]:
    for face in Face.objects.filter(user_id=user.pk).iterator(chunk_size=500):
        yield {
            "face_id": face.face_id,
            "image_id": face.image_id,
            "collection": face.collection_id,
            "enrolled": face.enrolled,
            "brightness": face.brightness,
            "sharpness": face.sharpness,
        }


def door(user: "User") -> Iterator[dict[str, object]]:
    for sign_in in SignIn.objects.filter(user_id=user.pk).iterator(chunk_size=500):
        yield {
            "at": sign_in.at,
            "outcome": sign_in.outcome,
            "reason": sign_in.reason,
            "similarity": sign_in.similarity,
            "method": sign_in.method,
            "address": sign_in.address,
            "device": user_agents.describe(sign_in.device),
            "user_agent": sign_in.device,
        }


def second_lock(user: "User") -> dict[str, object]:
    return {
        "locks": [
            {"kind": lock.kind, "name": lock.name, "added": lock.added, "last_used": lock.last_used, "host": lock.host}
            for lock in authenticators.factors_of(user)
        ],
        "trusted_devices": [
            {"name": it.name, "added": it.created, "last_used": it.last_used, "key": bool(it.public_key)}
            for it in TrustedDevice.objects.filter(user_id=user.pk)
        ],
        "recovery_codes_left": authenticators.codes_left(user),
        "photos": photo_logins.choice_of(user),
        "taken_away": list(MFAReset.objects.filter(user_id=user.pk).values_list("at", flat=True)),
    }
