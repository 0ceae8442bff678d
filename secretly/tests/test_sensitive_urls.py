"""Every URL of the site either asks for a fresh proof, or is known to be harmless."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from faceauth.conf import conf
from faceauth.models import AccountChange
from faceauth.tests.mfa_cast import enrolled, open_notebook, with_app
from faceauth.web.reauthentication import SENSITIVE, SENSITIVE_POSTS
from secretly.tests import walk
from secretly.tests.test_urls import VALUES

SITE = conf().SENSITIVE
ALL = {**SENSITIVE, **SENSITIVE_POSTS, **SITE}

# What hands nothing out but the notebook itself on its pages, and changes nothing of who gets in. The admin has its own
# second factor, and hands out no notes.
HARMLESS = {
    "the sign-in: nobody is inside yet, or they leave": {
        "faceauth:login",
        "faceauth:enrol",
        "faceauth:claim",
        "faceauth:liveness",
        "faceauth:liveness_frame",
        "faceauth:extend_liveness",
        "faceauth:second_factor",
        "faceauth:device_proof",
        "faceauth:device_approval",
        "faceauth:logout",
        "faceauth:reauthenticate",
        "faceauth:password",
        "faceauth:receipt",
        "/admin/login/",
    },
    "it only shows, or hides a notice": {
        "faceauth:account",
        "faceauth:mfa",
        "faceauth:devices",
        "faceauth:confirm_changes",
    },
    "it keeps things as they are": {"faceauth:stop_mfa_reset"},
    "a name, a colour or a language": {"faceauth:rename_face", "display", "notes:preferences"},
    "reading and writing in the open notebook": {
        "notes:list",
        "notes:note",
        "notes:version",
        "notes:share",
        "notes:new",
        "notes:search",
        "notes:trash",
        "notes:tick",
        "notes:pin",
        "notes:delete",
        "notes:restore",
        "notes:delete_forever",
        "notes:attach",
        "notes:attachment",
        "notes:thumbnail",
        "notes:detach",
        "notes:import",
        "notes:export",
        "offline_latest",
    },
    "the same for everybody": {"faceauth:how_it_works", "manifest", "worker", "offline", "/favicon.ico"},
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
KWARGS: dict[str, dict[str, object]] = {
    "end_session": {"pk": 1},
    "end_device": {"pk": 1},
    "take_back": {"pk": 1},
    "remove_face": {"face_id": VALUES["uuid"]},
    "remove_factor": {"kind": "app", "pk": 1},
}


def test_every_url_is_on_one_of_the_two_lists() -> None:
    harmless = set().union(*HARMLESS.values())
    assert walk.names() - set(ALL) - harmless == set(), "Add it to SENSITIVE, or say above why it is harmless."
    assert set(ALL) - walk.names() == set()
    assert set(ALL) & harmless == set()


def address_of(name: str) -> str:
    return reverse(name, kwargs=KWARGS.get(name.partition(":")[2]))


def asks_for(client: Client, method: str, name: str, **headers: str) -> str:
    """Where the answer sends for a proof; "" where it does not."""
    response = client.generic(method, address_of(name), headers=headers)
    where = str(response.headers.get("Location", ""))
    return where.partition("?")[0] if response.status_code in (302, 403) else ""


@pytest.mark.parametrize("name", ALL)
def test_each_asks_for_the_face_and_then_for_the_second_factor(name: str, owner: User) -> None:
    enrolled(owner)
    methods = [method for method in METHODS if name not in SENSITIVE_POSTS or method not in ("GET", "HEAD")]
    late = open_notebook(owner, seen=False, lock=False)
    assert {asks_for(late, method, name) for method in methods} == {"/reauthenticate/"}
    with_app(owner)
    half = open_notebook(owner, seen=True, lock=False)
    assert {asks_for(half, method, name) for method in methods} == {"/login/second-factor/"}
    assert not AccountChange.objects.exists()


@pytest.mark.parametrize("name", ALL)
def test_a_script_hears_so_in_json(name: str, owner: User) -> None:
    enrolled(owner)
    late = open_notebook(owner, seen=False)
    response = late.post(address_of(name), headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["reason"]) == (403, "liveness_required")
