from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from pytest_django import Settings

from faceauth.checks import check_models, check_settings
from faceauth.vision import networks


def ids(settings: Settings, **changes: Any) -> list[str | None]:
    settings.FACEAUTH = {**settings.FACEAUTH, **changes}
    return [message.id for message in check_settings()]


def test_is_asked_at_start(settings: Settings, db: None) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": "amazon"}
    assert "faceauth.E002" in [message.id for message in run_checks()]


def test_the_defaults_work(settings: Settings) -> None:
    assert ids(settings) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"TRESHOLD": 90}, "faceauth.E001"),
        ({"ENDPOINT": "amazon"}, "faceauth.E002"),
        ({"ENDPOINT": ""}, "faceauth.E002"),
        ({"ENDPOINT": "ftp://example.org"}, "faceauth.E002"),
        ({"COLLECTION": "my faces"}, "faceauth.E003"),
        ({"COLLECTION": ""}, "faceauth.E003"),
        ({"COLLECTION": "x" * 256}, "faceauth.E003"),
        ({"THRESHOLD": 101}, "faceauth.E004"),
        ({"THRESHOLD": -1}, "faceauth.E004"),
        ({"THRESHOLD": "high"}, "faceauth.E004"),
        ({"THRESHOLD": None}, "faceauth.E004"),
        ({"THRESHOLD": 0.9}, "faceauth.E005"),
        ({"THRESHOLD": 70}, "faceauth.W001"),
        ({"PHOTOS": "sometimes"}, "faceauth.E012"),
        ({"ENROLMENT": "maybe"}, "faceauth.E006"),
        ({"TARGET_FPIR": 0}, "faceauth.E011"),
        ({"TARGET_FPIR": 1}, "faceauth.E011"),
        ({"TARGET_FPIR": 10_000.0}, "faceauth.E011"),
        ({"TARGET_FPIR": "low"}, "faceauth.E011"),
        ({"ENCRYPTION_KEYS": []}, "faceauth.E007"),
        ({"ENCRYPTION_KEYS": ["short"]}, "faceauth.E007"),
    ],
)
def test_what_cannot_work_is_said(changes: dict[str, Any], expected: str, settings: Settings) -> None:
    assert expected in ids(settings, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"ENDPOINT": "aws"},
        {"ENDPOINT": "http://127.0.0.1:5005"},
        {"ENDPOINT": "https://rekognition.example.org"},
        {"COLLECTION": "My_faces-2.0"},
        {"THRESHOLD": "auto"},
        {"TARGET_FPIR": 0.001},
        {"THRESHOLD": 80},
        {"THRESHOLD": 100},
        {"ENROLMENT": "closed"},
        {"ENCRYPTION_KEYS": [Fernet.generate_key().decode(), Fernet.generate_key().decode()]},
    ],
)
def test_what_works_passes(changes: dict[str, Any], settings: Settings) -> None:
    assert ids(settings, **changes) == []


def test_the_models_are_there() -> None:
    assert check_models() == []


def test_each_model_that_cannot_be_used_is_said_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / networks.RECOGNISER).write_bytes(b"something else")
    monkeypatch.setattr(networks, "model_folder", lambda: tmp_path)
    messages = check_models()
    assert [message.id for message in messages] == ["faceauth.E008", "faceauth.E008"]
    assert networks.DETECTOR in messages[0].msg
    assert networks.RECOGNISER in messages[1].msg
    assert all("pip install" in str(message.hint) for message in messages)
