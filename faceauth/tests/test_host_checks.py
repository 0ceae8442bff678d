"""Checks of how another site is put together: each complaint by its id, with a cure that the site can follow."""

from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from faceauth import host_checks
from faceauth.apps import FaceAuthConfig
from faceauth.conf import named
from faceauth.enrolment import make_user


def complaints() -> dict[str, str]:
    return {found.id or "": found.hint or "" for found in host_checks.check_host()}


def test_this_site_is_put_together_well() -> None:
    assert complaints() == {}


def test_a_missing_backend(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert "AUTHENTICATION_BACKENDS" in complaints()["faceauth.E014"]


@pytest.mark.parametrize(
    ("path", "code"), [(host_checks.REAUTHENTICATION, "faceauth.E015"), (host_checks.SECOND_FACTOR, "faceauth.W004")]
)
def test_middleware_that_is_missing_or_comes_too_early(path: str, code: str, settings: Any) -> None:
    rest = [one for one in settings.MIDDLEWARE if one != path]
    settings.MIDDLEWARE = rest
    assert path in complaints()[code]
    settings.MIDDLEWARE = [path, *rest]
    assert code in complaints()


def test_no_second_factor_is_asked_for_where_only_faces_sign_in(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [host_checks.BACKEND]
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if one != host_checks.SECOND_FACTOR]
    assert complaints() == {}


def test_templates_without_the_request(settings: Any) -> None:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "OPTIONS": {}}]
    assert "context_processors.request" in complaints()["faceauth.E018"]


def test_the_recogniser_that_is_no_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "faceauth.local")
    assert "faceauth.local" in complaints()["faceauth.E016"]


def test_what_is_forgotten_and_who_makes_users(settings: Any) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "FORGET_ACCOUNT": "all", "MAKE_USER": "nowhere.at_all"}
    assert complaints().keys() == {"faceauth.E019", "faceauth.E020"}


def test_a_user_model_that_needs_more_than_a_name(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(make_user.obstacles()) == []
    monkeypatch.setattr(make_user, "obstacles", lambda: iter(["email is unique"]))
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": "consent"}
    assert "SECRETLY_ENROLMENT" in complaints()["faceauth.E021"]
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": "closed"}
    assert complaints() == {}


def test_hints_name_what_the_site_has(settings: Any) -> None:
    assert named("THRESHOLD") == "REKOGNITION_THRESHOLD"
    settings.FACEAUTH = {**settings.FACEAUTH, "NAMES": {}}
    assert named("THRESHOLD") == 'FACEAUTH["THRESHOLD"]'


def test_missing_apps_are_named_before_anything_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    import faceauth.apps

    monkeypatch.setattr(apps, "is_installed", lambda name: name in settings.INSTALLED_APPS[:3])
    config = FaceAuthConfig("faceauth", faceauth)
    with pytest.raises(ImproperlyConfigured, match=r"django_otp\.plugins\.otp_totp"):
        config.import_models()
