"""Attacks on the rules of who gets in, tried on the whole site: `python -m benchmarks.attacks FOLDER`.

FOLDER has a folder of pictures for each person, as Labeled Faces in the Wild. Every victim has passed a liveness check
and owns a notebook; what the check itself stops is measured by `benchmarks.liveness`. Requests go through Django's test
client to the real views, the real recogniser and a real database; only a check that was passed is put in the place of
its film. docs/liveness.md has the figures.
"""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import django
import numpy as np

os.environ["DJANGO_SETTINGS_MODULE"] = "secretly.tests.settings"
django.setup()

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from benchmarks.liveness import bounds  # noqa: E402
from benchmarks.liveness_attacks import Victim, victims  # noqa: E402
from faceauth.conf import conf  # noqa: E402
from faceauth.liveness.requests import Kind  # noqa: E402
from faceauth.liveness.sessions import Passed  # noqa: E402
from faceauth.mfa import trusted_devices  # noqa: E402
from faceauth.models import Face  # noqa: E402
from faceauth.rekognition.collection import Collection  # noqa: E402
from faceauth.tests import films, forgeries  # noqa: E402
from faceauth.tests.device_cast import new_key, public_text, signature  # noqa: E402
from faceauth.tests.sign_in import answer_consent, sealed_in, send_photo, signed_in  # noqa: E402
from faceauth.vision import faces, photos  # noqa: E402

addresses = count(1)


def visitor() -> Client:
    """Somebody at an address of their own, so that limits stop nobody here."""
    number = next(addresses)
    return Client(REMOTE_ADDR=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")


def come(client: Client, *shown: bytes, kind: Kind = Kind.FULL, path: str = "/login/") -> Any:
    """Come by a liveness check that was passed: its frames are these pictures."""
    given = [photos.read_photo(one) for one in shown]
    passed = Passed([one for one in given if isinstance(one, photos.Photo)], kind)
    with mock.patch("faceauth.liveness.sessions.redeem", return_value=passed):
        return client.post(path, {"frame": [SimpleUploadedFile("frame.jpg", one, "image/jpeg") for one in shown]})


@dataclass
class Owner:
    """A victim with a notebook, who has passed a check, and trusts the browser that they came with."""

    user: User
    photo: bytes
    """What the attacker has of them."""
    picture: films.Picture
    enrolled: bytes
    browser: Client
    key: ec.EllipticCurvePrivateKey

    def at_home(self) -> Client:
        """Their trusted browser in a new session, which has shown its key."""
        client = visitor()
        client.cookies["device_token"] = self.browser.cookies["device_token"].value
        asked = client.get("/login/device/").json()["challenge"]
        client.post("/login/device/", {"signature": signature(self.key, asked)})
        return client


def owner_of(victim: Victim, enrolled: bytes) -> Owner | None:
    client, key = visitor(), new_key()
    answer = come(client, enrolled)
    if b'name="sealed"' not in answer.content:
        return None
    answer_consent(client, answer)
    user = signed_in(client)
    if user is None:
        return None
    client.get("/account/devices/trust/")
    signed = signature(key, client.session[trusted_devices.CHALLENGE][0])
    fields = {"answer": "yes", "public_key": public_text(key), "signature": signed}
    client.post("/account/devices/trust/", fields)
    return Owner(user, films.encoded(victim.photo.pixels, 95), victim.photo, enrolled, client, key)


# Species: each says whether the victim's notebook was opened ----------------------------------------------------------


def upload(owner: Owner, thief: bytes) -> bool:
    """The photo is chosen, and all questions are answered with yes."""
    client = visitor()
    answer = send_photo(client, owner.photo)
    opened = signed_in(client) == owner.user
    if not opened and b'name="sealed"' in answer.content:
        answer_consent(client, answer)
    return opened or signed_in(client) == owner.user


def photo_on_their_device(owner: Owner, thief: bytes) -> bool:
    client = owner.at_home()
    send_photo(client, owner.photo)
    return signed_in(client) == owner.user


def wrong_face_on_their_device(owner: Owner, thief: bytes) -> bool:
    client = owner.at_home()
    come(client, thief, kind=Kind.SINGLE)
    return signed_in(client) == owner.user


def copied_cookie(owner: Owner, thief: bytes) -> bool:
    """With the photo, and with a key of the thief's own."""
    client = visitor()
    client.cookies["device_token"] = owner.browser.cookies["device_token"].value
    asked = client.get("/login/device/").json()["challenge"]
    client.post("/login/device/", {"signature": signature(new_key(), asked)})
    send_photo(client, owner.photo)
    return signed_in(client) == owner.user


def copied_database(owner: Owner, thief: bytes) -> bool:
    """Every text of the tables of sessions and devices, as cookies; and the photo."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_key, session_data FROM django_session ORDER BY expire_date DESC LIMIT 2")
        values = [str(value) for row in cursor.fetchall() for value in row]
        cursor.execute("SELECT cookie_hash FROM faceauth_trusteddevice WHERE user_id = %s", [owner.user.pk])
        values += [str(value) for row in cursor.fetchall() for value in row]
    client = visitor()
    for value in values:
        client.cookies["sessionid"] = client.cookies["device_token"] = value
        if client.get("/account/").status_code == 200:
            return True
    client.cookies["device_token"] = values[-1]
    send_photo(client, owner.photo)
    return signed_in(client) == owner.user


def chain(owner: Owner, thief: bytes) -> bool:
    """The thief sits at the open notebook within the five minutes of its proof, and adds appearances from the owner to
    themselves, each as if it had passed a liveness check. Opened means that their own face opens it in the end."""
    client = visitor()
    come(client, owner.enrolled)
    before = set(Face.objects.filter(user=owner.user).values_list("pk", flat=True))
    for share in (0.3, 0.5, 0.7, 0.85, 1.0):
        come(client, morph(thief, owner.picture, 1 - share), path="/account/faces/")
    attacker = visitor()
    come(attacker, thief)
    for face in Face.objects.filter(user=owner.user).exclude(pk__in=before):
        client.post(f"/account/faces/{face.face_id}/remove/")
    return signed_in(attacker) == owner.user


def morph(thief: bytes, picture: films.Picture, share: float) -> bytes:
    scene = photos.reopen_photo(thief).pixels
    points = faces.find_faces(scene)[0].landmarks.astype(np.float64)
    return films.encoded(forgeries.onto(picture, scene, points, share), 95)


SPECIES: dict[str, Callable[[Owner, bytes], bool]] = {
    "photo upload": upload,
    "copied cookie of a trusted device": copied_cookie,
    "copied database": copied_database,
    "trusted device, wrong face": wrong_face_on_their_device,
    "photo on their trusted device": photo_on_their_device,
    "chained morph appearances": chain,
}


# Squatting, and filling the site: these come before the victim --------------------------------------------------------


def squatted(victim: Victim, enrolled: bytes) -> bool:
    """Somebody enrolled the photo first. The victim passes a check and says that the notebook is theirs. Whether the
    squatter has it still, by their session or by the photo, or the victim does not get in."""
    photo = films.encoded(victim.photo.pixels, 95)
    squatter, client, again = visitor(), visitor(), visitor()
    answer_consent(squatter, send_photo(squatter, photo))
    user = signed_in(squatter)
    answer = come(client, enrolled)
    if b'name="sealed"' in answer.content and b"/login/claim/" in answer.content:
        client.post("/login/claim/", {"sealed": sealed_in(answer), "answer": "yes"})
    elif b'name="sealed"' in answer.content:
        answer_consent(client, answer)
    send_photo(again, photo)
    theirs = signed_in(client)
    return theirs is None or theirs in (signed_in(squatter), signed_in(again)) or (theirs != user and user is None)


def filled(given: list[bytes]) -> tuple[int, int]:
    """How many photos of strangers one address can have enrolled."""
    client = Client(REMOTE_ADDR="192.0.2.1")
    for photo in given:
        client.cookies.clear()
        answer = send_photo(client, photo)
        if b'name="sealed"' in answer.content:
            answer_consent(client, answer)
    return User.objects.count(), len(given)


# Running them ---------------------------------------------------------------------------------------------------------


@contextmanager
def site() -> Iterator[None]:
    """An empty one."""
    call_command("flush", interactive=False, verbosity=0)
    collection = Collection(conf().COLLECTION)
    collection.create()
    yield
    collection.delete()


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.attacks", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--victims", type=int, default=24)
    parser.add_argument("--tries", type=int, default=5, help="of each species, against each victim, by other thieves")
    arguments = parser.parse_args()
    setup_test_environment()
    call_command("migrate", verbosity=0)
    given = victims(arguments.folder, arguments.victims + arguments.tries)
    thieves = [films.encoded(one.photo.pixels, 95) for one in given[arguments.victims :]]
    given = given[: arguments.victims]
    with site():
        people, tries = filled([films.encoded(one.photo.pixels, 95) for one in given])
        print(f"| filling the site from one address | | {tries} | {people} enrolled |", flush=True)
    opened, tried = Counter[str](), Counter[str]()
    for victim in given:
        for name, came_in in tries_against(victim, thieves):
            tried[name] += 1
            opened[name] += came_in
    for name, number in tried.items():
        low, high = bounds(opened[name], number)
        print(f"| {name} | {len(given)} | {number} | {opened[name]} ({low:.1%} to {high:.1%}) |", flush=True)


def tries_against(victim: Victim, thieves: list[bytes]) -> Iterator[tuple[str, bool]]:
    enrolled = films.encoded(victim.second.pixels, 95)
    for _ in thieves:
        with site():
            yield "squatting", squatted(victim, enrolled)
    with site():
        owner = owner_of(victim, enrolled)
        if owner is not None:
            for name, species in SPECIES.items():
                for thief in thieves:
                    yield name, species(owner, thief)


if __name__ == "__main__":
    main()
