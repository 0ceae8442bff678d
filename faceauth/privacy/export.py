"""Everything stored about a person, as a ZIP that is written while it is sent.

The functions that FACEAUTH["EXPORTERS"] names add what other apps store: each takes the user and yields file names with
their content, in pieces of text or bytes. Templates are left out: they are of no use to the person, and would be to
somebody who found the file.
"""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from faceauth.audit import user_agents
from faceauth.conf import conf
from faceauth.mfa import authenticators
from faceauth.models import AccountChange, Consent, Face, MFAReset, SignIn, TrustedDevice
from faceauth.policy import photo_logins
from faceauth.privacy import consent_receipts
from privatekit import zipstream
from privatekit.zipstream import File, json_array

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Files = Iterator[File]
Exporter = Callable[["User"], Files]


def archive(user: "User") -> Iterator[bytes]:
    """The ZIP, piece by piece."""
    return zipstream.stream(files(user))


def files(user: "User") -> Files:
    yield "README.md", [str(README)]
    yield "profile.json", [written(profile(user))]
    yield "consents.json", json_array(consents(user))
    yield "consent_receipts.json", json_array(consent_receipts.of(user))
    yield "faces.json", json_array(faces(user))
    yield "sign_ins.json", json_array(sign_ins(user))
    yield "changes.json", json_array(changes(user))
    yield "second_factors.json", [written(second_factors(user))]
    for name in conf().EXPORTERS:
        exporter: Exporter = import_string(name)
        yield from exporter(user)


README = _("""# Everything stored about you

- `profile.json`: your account.
- `consents.json`: what you agreed to, and when. `consent_receipts.json`: the same in the structure of ISO/IEC TS 27560.
- `faces.json`: your enrolled faces. The numbers that describe them are left out: they are of no use to you, and would
  be to somebody who found this file.
- `sign_ins.json`: your sign-ins.
- `changes.json`: what was changed about who gets in, and what was downloaded, in the last 90 days.
- `second_factors.json`: when each second factor was added and last used, what a photo may open, and when an operator
  reset your second factor. Secrets are left out, for the same reason.

All times are in UTC.
""")


def written(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) + "\n"


def profile(user: "User") -> dict[str, object]:
    return {
        "name": user.get_username(),
        "enrolled": getattr(user, "date_joined", None),
        "last_sign_in": user.last_login,
        "active": user.is_active,
    }


def consents(user: "User") -> Iterator[dict[str, object]]:
    for consent in Consent.objects.filter(user_id=user.pk).iterator(chunk_size=500):
        yield {"text": consent.text, "language": consent.language, "given": consent.given}


def faces(user: "User") -> Iterator[dict[str, object]]:
    for face in Face.objects.filter(user_id=user.pk).iterator(chunk_size=500):
        yield {
            "face_id": face.face_id,
            "image_id": face.image_id,
            "collection": face.collection_id,
            "enrolled": face.enrolled,
            "name": face.name,
            "brightness": face.brightness,
            "sharpness": face.sharpness,
        }


def sign_ins(user: "User") -> Iterator[dict[str, object]]:
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


def changes(user: "User") -> Iterator[dict[str, object]]:
    for change in AccountChange.objects.filter(user_id=user.pk).iterator(chunk_size=500):
        yield {
            "at": change.at,
            "change": change.kind,
            "name": change.name,
            "address": change.address,
            "user_agent": change.device,
            "answered": change.answered,
        }


def second_factors(user: "User") -> dict[str, object]:
    return {
        "factors": [
            {"kind": it.kind, "name": it.name, "added": it.added, "last_used": it.last_used, "host": it.host}
            for it in authenticators.factors_of(user)
        ],
        "trusted_devices": [
            {"name": it.name, "added": it.created, "last_used": it.last_used, "key": bool(it.public_key)}
            for it in TrustedDevice.objects.filter(user_id=user.pk)
        ],
        "recovery_codes_left": authenticators.codes_left(user),
        "photos": photo_logins.choice_of(user),
        "resets": list(MFAReset.objects.filter(user_id=user.pk).values("at", "reason", "due", "done", "stopped")),
    }
