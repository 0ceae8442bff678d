"""The wheel in other people's sites: blank projects of several kinds, each from enrolment to being forgotten.

What they need is installed from the machine's package index, into an empty virtual environment.
"""

import base64
import hmac
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from faceauth.tests import pictures
from faceauth.tests.hosts import projects, sites
from faceauth.tests.hosts.plain_client import PlainClient, links_in
from faceauth.tests.hosts.projects import Project
from faceauth.tests.postgres import server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hosts")]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    made = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "tools.wheel", str(folder)], cwd=settings.BASE_DIR, capture_output=True, text=True
    )
    if "No matching distribution found for hatchling" in made.stderr:
        pytest.skip("The wheel cannot be built here: its build backend cannot be had.")
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="session")
def lts(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Django 5.2, with all extras."""
    folder = tmp_path_factory.mktemp("lts")
    packages = "django-faceauth[local,mfa]", "Django==5.2.*", "psycopg[binary]", "pip"
    return projects.install(sys.executable, folder, wheels, *packages)


@pytest.fixture(scope="session")
def newest(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newest Django, with no extra but the recogniser's."""
    folder = tmp_path_factory.mktemp("newest")
    return projects.install(projects.newer_python(), folder, wheels, "django-faceauth[local]")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with server() as address:
        yield address


def enrol(client: PlainClient, picture: bytes) -> None:
    client.get("/accounts/login/")
    asked = client.post("/accounts/login/", files={"file": picture})
    assert asked.json["outcome"] == "stranger", asked.text
    said = client.post("/accounts/login/enrol/", {"answer": "yes", "sealed": asked.json["sealed"]})
    assert said.json["outcome"] == "enrolled", said.text


def sign_in(client: PlainClient, picture: bytes) -> None:
    client.get("/accounts/login/")
    said = client.post("/accounts/login/", files={"file": pictures.another(picture)})
    assert said.json["outcome"] == "recognised", said.text


def forget(client: PlainClient) -> None:
    gone = client.post("/accounts/account/forget/", {"word": "forget me"})
    receipt = client.get(gone.headers["location"])
    assert (receipt.json["outcome"], receipt.json["complete"], len(receipt.json["faces"])) == ("forgotten", True, 1)


def test_the_first_lines_of_the_guide_work_word_for_word(lts: Path, wheels: Path, tmp_path: Path) -> None:
    lines = projects.first_lines()
    assert len(lines.splitlines()) == 10
    commands, serve = lines.rsplit(" && ", 1)
    project = Project(tmp_path, lts, address=serve.split()[-1])
    project.environment["PIP_FIND_LINKS"] = str(wheels)
    project.shell(commands)
    with project.served(serve.strip()) as client:
        page = client.get("/accounts/login/", "text/html").text
        assert "Shop" in page
        assert "Secretly" not in page
        parts = [link for ending in (".css", ".js", ".svg") for link in links_in(page, ending)]
        assert len(parts) >= 5
        assert {client.get(part).status for part in parts} == {200}
        enrol(client, pictures.hopper())
        enrol(project.client(), pictures.collins())
        came_back = project.client()
        sign_in(came_back, pictures.hopper())
        assert came_back.get("/accounts/account/").json["attempts"][0]["outcome"] == "recognised"
        operator_sees_the_stock_admin(project)
        for page in ("login/", "account/", "account/faces/", "account/mfa/", "account/devices/", "account/forget/"):
            assert words_of_the_notebook(came_back, page) == [], page
        forget(came_back)
    count = "from django.contrib.auth.models import User; print(User.objects.filter(is_staff=False).count())"
    assert project.ask(count) == 1


def words_of_the_notebook(client: PlainClient, page: str) -> list[str]:
    return re.findall(r"(?i)secretly|notebook|\bnotes\b", client.get(f"/accounts/{page}", "text/html").text)


def operator_sees_the_stock_admin(project: Project) -> None:
    """What the host has stays the host's: users are edited, and django-otp's devices are there."""
    named = "--username=root", "--email=root@example.org"
    project.manage("createsuperuser", "--noinput", *named, DJANGO_SUPERUSER_PASSWORD="open sesame 1")
    client = project.client("text/html")
    client.get("/admin/login/")
    client.post("/admin/login/?next=/admin/", {"username": "root", "password": "open sesame 1"})
    user = project.ask("from django.contrib.auth.models import User; print(User.objects.get(is_staff=True).pk)")
    change = client.get(f"/admin/auth/user/{user}/change/").text
    assert 'name="email"' in change
    assert 'name="_save"' in change
    for page in ("otp_totp/totpdevice/", "faceauth/signin/", "faceauth/face/", "faceauth/consent/"):
        assert client.get(f"/admin/{page}").status == 200, page


def test_a_site_with_e_mail_names_on_postgresql(lts: Path, postgres: str, tmp_path: Path) -> None:
    head = f"PORT = {postgres.rpartition(':')[2]}\n"
    project = Project(tmp_path, lts)
    project.write(sites.files(head + sites.MAIL_SETTINGS, sites.MAIL_USER, admin=True, faces=sites.MAIL_HOOK))
    project.begin()
    with project.served():
        enrol(project.client(), pictures.hopper())
        enrol(project.client(), pictures.collins())  # whose e-mail address must be another
        came_back = project.client()
        sign_in(came_back, pictures.hopper())
        forget(came_back)
    code = (
        "from people.models import User; import json; print(json.dumps(list(User.objects.values_list('tax_number'))))"
    )
    assert project.ask(code) == [["none"]]
    told = [line.split(" ", 1)[0] for line in (tmp_path / "signals.log").read_text().splitlines()]
    assert told == ["enrolled", "recognised", "enrolled", "recognised", "recognised", "forgotten"]


@pytest.mark.parametrize("django", ["lts", "newest"])
def test_a_site_without_staff_admin_or_strangers(django: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    project = Project(tmp_path, request.getfixturevalue(django))
    project.write(sites.files(sites.BARE_SETTINGS, sites.BARE_USER, admin=False))
    project.begin()
    project.manage("shell", "-v0", "-c", ADD_ANN)
    with project.served():
        nobody = project.client()
        nobody.get("/accounts/login/")
        assert nobody.post("/accounts/login/", files={"file": pictures.collins()}).json["reason"] == "closed"
        ann = by_password(project)
        adds_her_face(ann)
        by_face = project.client()
        sign_in(by_face, pictures.hopper())
        assert words_of_the_notebook(by_face, "login/") == words_of_the_notebook(by_face, "account/") == []
        assert "Forget me" not in by_face.get("/accounts/account/", "text/html").text  # the account is not the face's
        codes = adds_an_app(by_face)
        meets_the_second_factor(project, codes)
        withdraws(by_face, codes)
        assert by_password(project, codes).get("/accounts/account/").status == 200
    assert project.ask(LEFT) == [0, 0, 1]
    log = (tmp_path / "signals.log").read_text()
    assert "refused ['method', 'reason'] closed" in log
    assert "forgotten ['account_deleted', 'user_pk']" in log


LEFT = """
import json
from faceauth.models import Consent, Face
print(json.dumps([Face.objects.count(), Consent.objects.filter(withdrawn=None).count(), Consent.objects.count()]))
"""
ADD_ANN = "from people.models import User; u = User(email='ann@example.org'); u.set_password('open sesame 1'); u.save()"


def by_password(project: Project, codes: list[str] | None = None) -> PlainClient:
    client = project.client()
    client.get("/password/")
    assert client.post("/password/", {"username": "ann@example.org", "password": "open sesame 1"}).status == 302
    if codes:
        assert client.post("/accounts/login/second-factor/", {"code": codes.pop()}).json["outcome"] == "recognised"
    return client


def adds_her_face(client: PlainClient) -> None:
    faces = "/accounts/account/faces/"
    client.get(faces, "text/html")
    refused = client.post(faces, files={"file": pictures.hopper()})
    assert (refused.status, refused.json["reason"]) == (422, "consent_required")
    added = client.post(faces, {"consent": "yes"}, {"file": pictures.hopper()})
    assert (added.status, added.json["outcome"], len(added.json["faces"])) == (200, "enrolled", 1)


def adds_an_app(client: PlainClient) -> list[str]:
    """An authenticator app; its recovery codes."""
    page = client.get("/accounts/account/mfa/app/", "text/html").text
    secret = re.sub(r"[^A-Z2-7]", "", re.findall(r"<code>(.*?)</code>", page)[0])
    said = client.post("/accounts/account/mfa/app/", {"code": one_time_code(secret)})
    return re.findall(r"<li>([0-9a-z -]{16,})</li>", said.text)


def one_time_code(secret: str) -> str:
    """RFC 6238, with six digits and thirty seconds."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, int(time.time() // 30).to_bytes(8), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"


def meets_the_second_factor(project: Project, codes: list[str]) -> None:
    """A password alone opens nothing any more."""
    client = by_password(project)
    kept_out = client.get("/accounts/account/")
    assert (kept_out.status, kept_out.json["reason"]) == (403, "mfa_required")
    assert (
        client.get("/accounts/account/", "text/html").headers["location"].startswith("/accounts/login/second-factor/")
    )
    assert client.post("/accounts/login/second-factor/", {"code": codes.pop()}).json["outcome"] == "recognised"
    assert client.get("/accounts/account/").status == 200


def withdraws(client: PlainClient, codes: list[str]) -> None:
    """The face goes, by an act of its own; the account stays, and so does the session."""
    away = "/accounts/account/faces/withdraw/"
    if client.get(away, "text/html").status != 200:
        client.post("/accounts/login/second-factor/", {"code": codes.pop()})
    gone = client.post(away)
    receipt = client.get(gone.headers["location"]).json
    assert (receipt["outcome"], receipt["complete"], len(receipt["faces"])) == ("forgotten", True, 1)
    assert client.get("/accounts/account/").status == 200


WITHOUT_EXTRAS = """
import sys
from importlib import util
absent = {"faiss", "webauthn", "segno", "gunicorn", "redis", "matplotlib", "django_stubs_ext"}
sys.modules.update(dict.fromkeys(absent))
find = util.find_spec
util.find_spec = lambda name, *rest: None if name in absent else find(name, *rest)
from shop.settings import *
INSTALLED_APPS = [name for name in INSTALLED_APPS if name != "faceauth.local"]
FACEAUTH = FACEAUTH | {"ENDPOINT": "aws"}
"""


def test_on_aws_nothing_of_an_extra_is_imported(lts: Path, tmp_path: Path) -> None:
    project = Project(tmp_path, lts)
    project.write(sites.files(sites.BARE_SETTINGS, sites.BARE_USER, admin=False))
    project.write({"bare.py": WITHOUT_EXTRAS})
    project.manage("check", "--fail-level", "WARNING", "--settings", "bare")
    project.manage("rekognition_collection", "--help", "--settings", "bare")
