"""`manage.py privacy_file`: it follows the settings that are in force, and names nobody but by key."""

import json
import re
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone, translation

from faceauth.models import Consent


def written(folder: Path) -> tuple[str, Any]:
    call_command("privacy_file", str(folder), verbosity=0)
    return (folder / "privacy.md").read_text(), json.loads((folder / "consents.json").read_text())


def test_it_follows_the_settings(db: None, settings: Any, tmp_path: Path) -> None:
    text, _ = written(tmp_path / "local")
    assert "None by the settings" in text
    assert "14 days for somebody whom a photo enrolled" in text
    assert "Controller: **to decide**" in text
    settings.FACEAUTH = {
        **settings.FACEAUTH,
        "ENDPOINT": "aws",
        "REGION": "eu-central-1",
        "PHOTO_ENROLMENT_DAYS": 3,
        "CONTROLLER": "Ann, Oslo",
    }
    cache = {**settings.CACHES["default"], "LOCATION": "rediss://:secret@cache.example:6379/0"}
    settings.CACHES = settings.CACHES | {"default": cache}
    text, _ = written(tmp_path / "aws")
    assert "| Amazon Rekognition | pictures in transit, and the face templates | AWS, eu-central-1 |" in text
    assert "3 days for somebody whom a photo enrolled" in text
    assert "Controller: Ann, Oslo" in text
    assert re.search(r"\| The cache server \| counts .* \| cache.example \|", text)
    assert "secret@" not in text
    assert "opt out" in text
    assert "Notes and attachments" in text


def test_each_consent_has_a_receipt_with_its_withdrawal(owner: User, tmp_path: Path) -> None:
    Consent.objects.create(user=owner, text="of yesterday", withdrawn=timezone.now(), language="")
    with translation.override("ar"):
        Consent.objects.create(user=owner, text="of today")
    text, (first, second) = written(tmp_path)
    assert [event["event_state"] for event in first["events"]] == ["consent_given", "consent_withdrawn"]
    assert [event["event_state"] for event in second["events"]] == ["consent_given"]
    assert [one["pii_processing"]["language"] for one in (first, second)] == ["und", "ar"]
    [controller] = first["party_identification"]
    assert {one for purpose in first["pii_processing"]["purposes"] for one in purpose["pii_controllers"]} == {
        controller["party_id"]
    }
    assert first["schema_version"] == "ISO/IEC TS 27560:2023"
    assert first["pii_processing"]["privacy_notice"] == "of yesterday"
    assert {one["lawful_basis"] for one in first["pii_processing"]["purposes"]} == {"Art. 9(2)(a), explicit consent"}
    assert owner.get_username() not in text + json.dumps([first, second])
    assert first["pii_principal_id"] == str(owner.pk)
