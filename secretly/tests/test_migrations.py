"""An installation that an earlier version made keeps its people, notes, second factors and choices."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from faceauth.tests import pictures
from secretly.tests.installation import ROOT, run_manage
from tools import earlier_installation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not earlier_installation.known(), reason="This copy of the repository has no history."),
]

READ = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import setup_test_environment
from faceauth.mfa import authenticators
from faceauth.models import AuthenticatorApp, Consent, Face, PhotoLogin, SignIn
from faceauth.recognition.search import recognise
from faceauth.vision.photos import read_photo
from notes.models import Attachment, Note
from notes import attachments

def person(path):
    found = recognise(read_photo(open(path, "rb").read())).user
    app = AuthenticatorApp.objects.get(user=found)
    choice, name = PhotoLogin.objects.get(user=found).choice, app.name
    secret = authenticators.secret_text(app)
    return {"user": found.username, "secret": secret, "choice": choice, "app": name,
            "code": authenticators.check(found, codes[path]).value}

codes = json.loads(sys.argv[1])
print(json.dumps({
    "people": {path: person(path) for path in codes},
    "users": sorted(User.objects.values_list("username", flat=True)),
    "notes": {str(note.pk): note.text for note in Note.objects.all()},
    "attachments": sorted(str(one.pk) for one in Attachment.objects.all() if attachments.read(one)),
    "faces": sorted(str(pk) for pk in Face.objects.values_list("face_id", flat=True)),
    "consents": Consent.objects.count(),
    "sign_ins": SignIn.objects.count(),
}))
"""


@dataclass(frozen=True)
class Migrated:
    before: dict[str, Any]
    after: dict[str, Any]
    health_check: str


@pytest.fixture(scope="module")
def migrated() -> Iterator[Migrated]:
    """What the earlier version had made, and what today's reads after `manage.py migrate`."""
    with TemporaryDirectory() as home, TemporaryDirectory() as folder:
        paths = [Path(folder) / "hopper.jpg", Path(folder) / "collins.png"]
        for path, data in zip(paths, (pictures.hopper(), pictures.collins()), strict=True):
            path.write_bytes(data)
        before = earlier_installation.make(Path(home), paths)
        done = run_manage(Path(home), "migrate", "-v0")
        assert done.returncode == 0, done.stderr
        codes = {path: person["code"] for path, person in before["people"].items()}
        yield Migrated(before, read(home, codes), run_manage(Path(home), "rekognition_collection", "doctor").stdout)


def read(home: str, codes: dict[str, str]) -> dict[str, Any]:
    environment = {"PATH": os.environ["PATH"], "SECRETLY_HOME": home, "DJANGO_SETTINGS_MODULE": "secretly.settings"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", READ, json.dumps(codes)],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("kind", ["users", "notes", "attachments", "faces", "consents", "sign_ins"])
def test_every_row_is_kept(migrated: Migrated, kind: str) -> None:
    assert migrated.before[kind]
    assert migrated.after[kind] == migrated.before[kind]


def test_people_are_recognised_with_their_second_factors_and_choices(migrated: Migrated) -> None:
    for path, before in migrated.before["people"].items():
        assert migrated.after["people"][path] == {
            "user": before["user"],
            "secret": before["secret"],
            "choice": "with_mfa",
            "app": "phone",
            "code": "open",
        }


def test_the_health_check_finds_the_older_templates_alone(migrated: Migrated) -> None:
    """And the demonstration's people, who never had a face."""
    found = [line.split()[0] for line in migrated.health_check.splitlines()[:-1]]
    assert sorted(found) == ["older_templates"] + 6 * ["user_without_face"], migrated.health_check
