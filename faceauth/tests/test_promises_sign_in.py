"""What is promised at the sign-in page: strangers are nobody's in the log, and no address leads out of the site."""

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, Recognition
from faceauth.policy import thresholds
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.sign_in import enrol_by_photo, send_photo
from faceauth.web import http

pytestmark = pytest.mark.usefixtures("without_look")


def resembling(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever shows a picture is a stranger now who looks a little like this person."""
    recognition = Recognition(Outcome.STRANGER, similarity=88.0, near=user)
    monkeypatch.setattr("faceauth.backends.FaceBackend.recognise", lambda *args, **kwargs: recognition)


def test_a_stranger_is_not_logged_under_whom_they_resemble(
    owner: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the sign-in log of that person, and their page, would tell of a visit that was never theirs."""
    resembling(owner, monkeypatch)
    send_photo(client, pictures.hopper())  # looks familiar: asked to try once more
    send_photo(client, pictures.hopper())
    familiar, stranger = SignIn.objects.order_by("pk")
    assert (familiar.outcome, familiar.reason, familiar.user) == (Outcome.REFUSED, Reason.NEAR_MATCH, owner)
    assert (stranger.outcome, stranger.user, stranger.similarity) == (Outcome.STRANGER, None, 88.0)


def test_a_refused_attempt_is_logged_under_whom_it_resembles(
    owner: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognition = Recognition(Outcome.REFUSED, Reason.AMBIGUOUS, similarity=97.0, near=owner)
    monkeypatch.setattr("faceauth.backends.FaceBackend.recognise", lambda *args, **kwargs: recognition)
    send_photo(client, pictures.hopper())
    assert SignIn.objects.get().user == owner


def test_a_stranger_who_really_comes_is_nobodys(collection: Collection, client: Client) -> None:
    enrol_by_photo(Client(), pictures.hopper())
    send_photo(client, pictures.collins())
    assert SignIn.objects.order_by("-pk")[0].user is None


@pytest.mark.parametrize(
    ("secure", "given", "expected"),
    [
        (True, "http://testserver/bin/", ""),  # https stays https: the cookies would not come along, the address would
        (True, "https://testserver/bin/", "https://testserver/bin/"),
        (False, "http://testserver/bin/", "http://testserver/bin/"),
        (True, "https://elsewhere.example/", ""),
        (True, "/bin/", "/bin/"),
    ],
)
def test_nobody_is_sent_from_https_to_http(secure: bool, given: str, expected: str) -> None:
    factory = RequestFactory()
    assert http.given_next(factory.get("/login/", {"next": given}, secure=secure)) == expected
    assert http.given_next(factory.post("/login/", {"next": given}, secure=secure)) == expected


def test_familiar_begins_below_the_threshold() -> None:
    assert thresholds.requirement(10).near_match < thresholds.requirement(10).threshold
