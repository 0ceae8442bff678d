"""Made-up people and their notes, for whoever looks at the pages. No face of anybody is in it.

`python -m secretly.tests.cast` makes them in the installation of SECRETLY_HOME, and prints what the walk needs as JSON.
A number after it says how many notes the owner has.
"""

import io
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import uuid4

NOTES = [
    "To do\n\n- [x] call the lighthouse\n- [ ] bread, *the dark one*\n- [ ] a birthday card for Nour",
    "Bread, the third try\n\n1. **500 g** flour, 350 g water, wait an hour\n2. 10 g salt, 100 g leaven\n"
    "3. fold it four times\n\n> Patience is the first ingredient.\n\nThe oven: `240 °C`, with steam.",
    "Things I could not say at the table\n\nThat I liked the soup. That I was afraid of the quiet afterwards, and "
    "that nobody noticed how the light went round the room.",
    "مطبخ الخامسة صباحًا\n\nلا أحد مستيقظ سواي والإبريق. سأكتب الرسالة **اليوم**، ولن أرسلها.",  # noqa: RUF001
    "A table and some code\n\n| day | pages |\n| --- | --- |\n| Monday | 3 |\n| Tuesday | 11 |\n\n"
    "```\nfor page in notebook:\n    page.read(aloud=False)  # a line of code that is too long for a telephone\n```",
    "https://example.org/a/very/long/address/without/any/space/that/has/to/break/somewhere/or/it/leads/off/the/page",
    "Just one line, with no more to it",
    "A wide table\n\n| "
    + " | ".join(["Monday", "Tuesday"] * 6)
    + " |\n"
    + "| --- " * 12
    + "|\n"
    + "| 1000 " * 12
    + "|",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft\n\nOne word.",
]


@dataclass(frozen=True)
class Cast:
    """Sessions by who they are of, and what the pages need to be found."""

    sessions: dict[str, str]
    owner: int
    note: str
    long_note: str
    changed_note: str
    attachment: str
    """A picture on the long note."""

    trashed: str
    receipt: str
    pending_receipt: str


def make(notes: int = len(NOTES) + 60) -> Cast:
    """An owner with so many notes, a newcomer with a blank page, somebody with a second factor, and an operator."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from faceauth.audit.sessions import store, stored_key
    from faceauth.mfa import authenticators
    from faceauth.models import (
        AccountChange,
        AuthenticatorApp,
        Deletion,
        Face,
        MFAReset,
        Receipt,
        SignIn,
        TrustedDevice,
    )
    from faceauth.web.http import MFA_SETTLED
    from faceauth.web.reauthentication import MFA_VERIFIED
    from notes import editing
    from notes.models import Note

    owner, newcomer, locked = (User.objects.create_user(username=str(uuid4())) for _ in range(3))
    operator = User.objects.create_superuser(username="operator", password=str(uuid4()))
    now = timezone.now()
    written = [
        Note.objects.write(owner, text, created=now - timedelta(hours=7 * age), pinned=age == 0)
        for age, text in enumerate(NOTES)
    ]
    hang_on(owner, written[2])
    editing.change(owner, written[1].pk, 1, f"{written[1].text}\n\nWith more salt next time.")
    older = [
        Note.written(owner, f"An older thought, no. {n}", created=now - timedelta(days=30 + n))
        for n in range(notes - len(NOTES))
    ]
    Note.objects.bulk_create(older)
    trashed = Note.objects.write(owner, "A letter that I will not send", trashed=now)

    sessions = {
        "owner": open_session(
            owner, {"faceauth.face_verified": time.time(), "faceauth.liveness_verified": time.time()}
        ),
        "newcomer": open_session(newcomer),
        "locked": open_session(
            locked, {"faceauth.face_verified": time.time(), MFA_VERIFIED: time.time(), MFA_SETTLED: str(locked.pk)}
        ),
        "operator": open_session(operator),
        "pending": pending_session(locked),
    }
    for user, public_key in ((owner, b"key"), (owner, b""), (locked, b"")):
        TrustedDevice.objects.create(
            user=user, cookie_hash=uuid4().hex, public_key=public_key, name="computer, Firefox, Linux"
        )
    browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
    came_in = {"outcome": "recognised", "user": owner, "similarity": 99.2, "method": "camera", "device": browser}
    for key in (sessions["owner"], open_session(owner)):
        SignIn.objects.create(session_key=stored_key(store(key)), address="192.0.2.7", **came_in)
    for reason in ("too_dark", "near_match"):
        SignIn.objects.create(outcome="refused", reason=reason, user=owner, method="file", address="192.0.2.8")
    for day in (3, 40):
        Face.objects.create(
            user=owner,
            face_id=uuid4(),
            image_id=uuid4(),
            collection_id="secretly",
            person=owner.username,
            brightness=61.5,
            sharpness=80.2,
            enrolled=now - timedelta(days=day),
            name="With glasses" if day == 3 else "",
        )
    app = authenticators.app_to_confirm(locked, None)
    AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed=True, name="My telephone")
    authenticators.make_recovery_codes(locked)
    MFAReset.objects.create(user=owner)
    for kind, name in (("passkey_added", "My phone"), ("exported", "")):
        AccountChange.objects.create(user=owner, kind=kind, name=name, subject="0", device=browser, address="192.0.2.8")
    # Whoever looks at an older receipt has the deletion asked for again, which would end the waiting.
    receipts = [Receipt.objects.create(), Receipt.objects.create(at=now + timedelta(hours=1))]
    for receipt, confirmed in zip(receipts, (now, None), strict=True):
        Deletion.objects.create(face_id=uuid4(), collection_id="secretly", receipt=receipt, confirmed=confirmed)
    return Cast(
        sessions=sessions,
        owner=owner.pk,
        note=str(written[0].pk),
        long_note=str(written[2].pk),
        changed_note=str(written[1].pk),
        attachment=str(written[2].attachments.exclude(thumbnail_path="").get().pk),
        trashed=str(trashed.pk),
        receipt=str(receipts[0].pk),
        pending_receipt=str(receipts[1].pk),
    )


def hang_on(owner, note) -> None:  # type: ignore[no-untyped-def] # the models are not there before Django is set up
    """A drawn picture, and a file."""
    from django.core.files.base import ContentFile
    from PIL import Image

    from notes import attachments

    drawn = io.BytesIO()
    Image.radial_gradient("L").resize((640, 480)).convert("RGB").save(drawn, "PNG")
    for name, content in (("the light at four.png", drawn.getvalue()), ("The plan for Sunday.txt", b"Sleep.")):
        attachments.attach(owner, note.pk, name, ContentFile(content))


def open_session(user, extra=None) -> str:  # type: ignore[no-untyped-def]
    """The key of a new session, as the door opens it."""
    from django.test import Client

    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    session = client.session
    session.update(extra or {})
    session.save()
    return str(session.session_key)


def pending_session(user) -> str:  # type: ignore[no-untyped-def]
    """The key of a session whose person has still to give their second factor."""
    from django.test import Client, RequestFactory

    from faceauth.models import SignIn
    from faceauth.web import pending_login

    request = RequestFactory().get("/")
    request.session = Client().session
    pending_login.begin(request, user, SignIn.objects.create(outcome="refused", reason="mfa_required", user=user))
    request.session.save()
    return str(request.session.session_key)


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secretly.settings")
    django.setup()
    print(json.dumps(asdict(make(*map(int, sys.argv[1:])))))
