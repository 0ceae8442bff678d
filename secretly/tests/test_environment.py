"""Typed readers, the home, and the secrets that the first run makes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from secretly import environment
from secretly.tests.installation import run_manage


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "read", {})
    for name in ("NAME", "DJANGO_SECRET_KEY", "SECRETLY_ENCRYPTION_KEYS", "SECRETLY_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("Yes", True), (" on ", True), ("0", False), ("false", False), ("", False)]
)
def test_boolean(value: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", value)
    assert environment.boolean("NAME") is expected


def test_defaults() -> None:
    assert environment.text("NAME", "x") == "x"
    assert environment.words("NAME", "a, b,,c ") == ["a", "b", "c"]
    assert environment.boolean("NAME") is False
    assert environment.number("NAME", 90, 0, 100) == 90
    assert environment.choice("NAME", "a", ("a", "b")) == "a"


@pytest.mark.parametrize("value", ["maybe", "2"])
def test_boolean_refuses_other_words(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", value)
    with pytest.raises(ImproperlyConfigured, match=r"NAME is .* write 1 for yes"):
        environment.boolean("NAME")


@pytest.mark.parametrize("value", ["", "ninety", "nan", "inf", "-1", "101"])
def test_number_refuses_other_text(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", value)
    with pytest.raises(ImproperlyConfigured, match=r"NAME is .* write a number from 0 to 100"):
        environment.number("NAME", 90, 0, 100)


def test_choice_refuses_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "c")
    with pytest.raises(ImproperlyConfigured, match="NAME is 'c': write one of a, b"):
        environment.choice("NAME", "a", ("a", "b"))


def test_only_the_owner_can_read_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETLY_HOME", str(tmp_path / "deep" / "home"))
    home = environment.home(tmp_path)
    assert home == tmp_path / "deep" / "home"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.parametrize("holds", [None, "secret.key", "secretly.sqlite3"])
def test_a_home_of_ours_that_others_can_read_is_closed(
    holds: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if holds:
        (tmp_path / holds).touch()
    tmp_path.chmod(0o755)
    monkeypatch.setenv("SECRETLY_HOME", str(tmp_path))
    environment.home(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_an_open_folder_that_is_not_ours_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of somebody else").touch()
    tmp_path.chmod(0o755)
    monkeypatch.setenv("SECRETLY_HOME", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match=r"other users of this machine can read: .* say chmod 700"):
        environment.home(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_an_open_home_that_cannot_be_closed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    tmp_path.chmod(0o755)
    monkeypatch.setenv("SECRETLY_HOME", str(tmp_path))
    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(ImproperlyConfigured, match=r"made private .Operation not permitted.: name a folder"):
        environment.home(tmp_path)


def test_a_database_that_others_can_read_is_closed(tmp_path: Path) -> None:
    database = tmp_path / "elsewhere.sqlite3"
    database.touch(mode=0o644)
    given = {"DATABASE_URL": f"sqlite:///{database}"}
    assert run_manage(tmp_path / "home", "showmigrations", "sessions", **given).returncode == 0
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


def test_home_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SECRETLY_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(ImproperlyConfigured, match=r"SECRETLY_HOME is .* name a folder"):
        environment.home(tmp_path)


def test_secrets_are_made_once_and_only_the_owner_can_read_them(tmp_path: Path) -> None:
    key = environment.secret_key(tmp_path)
    [encryption] = environment.encryption_keys(tmp_path)
    assert (environment.secret_key(tmp_path), environment.encryption_keys(tmp_path)) == (key, [encryption])
    assert len(key) >= 50
    Fernet(encryption)
    for name in ("secret.key", "encryption.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["encryption.key", "secret.key"]


def test_given_secrets_are_not_written_to_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv("DJANGO_SECRET_KEY", "given")
    monkeypatch.setenv("SECRETLY_ENCRYPTION_KEYS", ", ".join(keys))
    assert environment.secret_key(tmp_path) == "given"
    assert environment.encryption_keys(tmp_path) == keys
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("given", ["short", "é" * 44, "x" * 43])
def test_encryption_keys_refuses_other_text(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETLY_ENCRYPTION_KEYS", given)
    with pytest.raises(ImproperlyConfigured, match="SECRETLY_ENCRYPTION_KEYS holds something that is not a key"):
        environment.encryption_keys(tmp_path)


@pytest.mark.parametrize(
    ("value", "expected"), [("", "auto"), ("auto", "auto"), (" AUTO ", "auto"), ("90", 90.0), ("99.5", 99.5)]
)
def test_number_or_a_word(value: str, expected: float | str, monkeypatch: pytest.MonkeyPatch) -> None:
    if value:
        monkeypatch.setenv("LEVEL", value)
    assert environment.number_or("LEVEL", "auto", low=0, high=100) == expected


@pytest.mark.parametrize("value", ["automatic", "101", "-1", "nan", "0,9", "1e400"])
def test_number_or_refuses_other_text(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVEL", value)
    with pytest.raises(ImproperlyConfigured, match=f"LEVEL is '{value}': write a number from 0 to 100, or auto"):
        environment.number_or("LEVEL", "auto", low=0, high=100)


def test_an_empty_key_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "encryption.key").write_text("")
    with pytest.raises(ImproperlyConfigured, match="restore it from a backup"):
        environment.encryption_keys(tmp_path)


def test_processes_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    program = "from pathlib import Path; from secretly.environment import secret_key; print(secret_key(Path({!r})))"
    started = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", program.format(str(tmp_path))], stdout=subprocess.PIPE, cwd=settings.BASE_DIR
        )
        for _ in range(8)
    ]
    assert len({process.communicate()[0] for process in started}) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REKOGNITION_THRESHOLD", "high"),
        ("SECRETLY_TARGET_FPIR", "one in ten"),
        ("SECRETLY_LOCK_AFTER", "0"),
        ("DJANGO_DEBUG", "perhaps"),
        ("SECRETLY_ENROLMENT", "maybe"),
        ("REKOGNITION_ENDPOINT", "amazon"),
        ("REKOGNITION_COLLECTION", "my faces"),
        ("SECRETLY_TRUSTED_PROXIES", "localhost"),
        ("SECRETLY_TRUSTED_ORIGINS", "example.com"),
        ("SECRETLY_CALL_BUDGET", "much"),
    ],
)
def test_a_value_that_cannot_work_stops_the_start(name: str, value: str, tmp_path: Path) -> None:
    result = run_manage(tmp_path, "check", **{name: value})
    assert result.returncode == 1
    assert value in result.stderr
    assert name in result.stderr


@pytest.mark.parametrize(("endpoint", "checksums"), [("https://s3.example", "when_required"), ("", "when_supported")])
def test_another_service_than_amazon_is_sent_required_checksums_alone(
    endpoint: str, checksums: str, tmp_path: Path
) -> None:
    program = "from secretly.settings import STORAGES as s; c = s['default']['OPTIONS']['client_config']"
    program += "; print(c.request_checksum_calculation, c.response_checksum_validation)"
    given = {"SECRETLY_HOME": str(tmp_path), "AWS_STORAGE_BUCKET_NAME": "notes", "AWS_S3_ENDPOINT_URL": endpoint}
    said = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR,
        env=os.environ | given,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said.stdout.split() == [checksums, checksums], said.stderr
