"""What `manage.py check --deploy` warns of."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core import checks as django_checks
from pytest_django import Settings

from secretly import checks, proxies
from secretly.tests.installation import run_manage


def test_warns_of_an_unnamed_proxy_behind_https(settings: Settings) -> None:
    assert checks.check_proxies() == []
    settings.HTTPS = True
    [warning] = checks.check_proxies()
    assert warning.id == "secretly.W001"
    assert "SECRETLY_TRUSTED_PROXIES" in (warning.hint or "")
    settings.TRUSTED_PROXIES = proxies.networks(["unix"])
    assert checks.check_proxies() == []


def test_warns_of_keys_that_one_host_has_alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.KEYS_IN_HOME == {"DJANGO_SECRET_KEY": "secret.key", "SECRETLY_ENCRYPTION_KEYS": "encryption.key"}
    assert checks.check_keys() == []  # SQLite lies beside them
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    [warning] = checks.check_keys()
    assert warning.id == "secretly.W002"
    assert "SECRETLY_ENCRYPTION_KEYS" in (warning.hint or "")
    settings.KEYS_IN_HOME = {"SECRETLY_ENCRYPTION_KEYS": "encryption.key"}
    [warning] = checks.check_keys()
    assert "secret.key" not in warning.msg
    settings.KEYS_IN_HOME = {}
    assert checks.check_keys() == []


def test_both_checks_belong_to_deploy() -> None:
    registered = {check.__name__ for check in django_checks.registry.registry.deployment_checks}  # type: ignore[attr-defined]
    assert {"check_proxies", "check_keys"} <= registered


def test_the_command_warns(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "DJANGO_SECRET_KEY": "x" * 60}
    assert "secretly.W002" in run_manage(tmp_path, "check", "--deploy", "--tag", "security", **given).stderr
    given["SECRETLY_ENCRYPTION_KEYS"] = Fernet.generate_key().decode()
    assert "secretly.W002" not in run_manage(tmp_path, "check", "--deploy", "--tag", "security", **given).stderr
