"""The operators' pages show counts and never a secret."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.test import Client

from faceauth.audit.sessions import stored_key
from faceauth.models import Consent, Deletion, Face, Receipt, SignIn
from faceauth.operators import groups
from notes import attachments
from notes.models import Attachment, Note

SECRET = "xyzzy-plugh"


@pytest.fixture
def lived_in(transactional_db: None, owner: User) -> dict[str, str]:
    """A notebook, a face, an open session and a receipt: what no page may show, by kind."""
    cache.clear()
    note = Note.objects.write(owner, f"{SECRET} title\n\nand {SECRET} text")
    Note.objects.write(owner, f"{SECRET} in the trash", trashed=note.created)
    attached = attachments.attach(owner, note.pk, f"{SECRET}.txt", ContentFile(b"a file"))
    assert isinstance(attached, Attachment)
    visitor = Client()
    visitor.force_login(owner, backend="faceauth.backends.FaceBackend")
    key = stored_key(visitor.session)
    SignIn.objects.create(outcome="recognised", user=owner, similarity=99.0, session_key=key, address="192.0.2.1")
    face = "3f0c1c1e-6a5b-4a59-8d0e-2f3d6f5a1b77"
    Face.objects.create(user=owner, face_id=face, image_id=face, collection_id="secretly", person=owner.username)
    Consent.objects.create(user=owner, text="1")
    receipt = Receipt.objects.create()
    Deletion.objects.create(face_id="11111111-6a5b-4a59-8d0e-2f3d6f5a1b77", collection_id="secretly", receipt=receipt)
    return {
        "a note": SECRET,
        "a session": key,
        "a receipt": str(receipt.pk),
        "a receipt's hexadecimal": receipt.pk.hex,
        "where a file is": attached.content_path,
        "a note's address": str(note.pk),
    }


def crawl(client: Client) -> dict[str, str]:
    """Every page of the admin that a link leads to, by its address; of each list one that each filter makes."""
    pages: dict[str, str] = {}
    waiting, seen = ["/admin/"], {"/admin/"}
    while waiting:
        url = waiting.pop()
        answer = client.get(url)
        body = b"".join(answer) if answer.streaming else answer.content
        pages[url] = f"{answer.headers} {body.decode(errors='replace')}"
        for link in re.findall(r'href="([^"]+)"', pages[url]):
            target = urljoin(url, unescape(link))
            parts = urlsplit(target)
            ours = not parts.netloc and parts.path.startswith("/admin/") and "logout" not in parts.path
            names = [name for name, _equals, _value in (it.partition("=") for it in parts.query.split("&"))]
            like = parts.path if len(names) > 1 else f"{parts.path}?{names[0]}"
            if ours and like not in seen:
                seen.add(like)
                waiting.append(target)
    return pages


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(groups.VIEWERS, marks=pytest.mark.slow),
        pytest.param(groups.OPERATORS, marks=pytest.mark.slow),
        "superuser",
    ],
)
def test_no_page_shows_a_secret(kind: str, lived_in: dict[str, str], owner: User) -> None:
    user = User.objects.create_user("somebody", is_staff=True, is_superuser=kind == "superuser")
    if kind != "superuser":
        user.groups.add(Group.objects.get(name=kind))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    pages = crawl(client)
    kinds = {re.sub(r"\d+|\?.*", "", url) for url in pages}
    wanted = {"/admin/", "/admin/auth/user/", "/admin/auth/user//change/", "/admin/auth/user//history/"}
    wanted |= {f"/admin/faceauth/{name}/" for name in groups.VIEWED} | {"/admin/faceauth/signin/export/"}
    if kind != groups.VIEWERS:
        wanted.add("/admin/auth/user/action/forget/")
    assert wanted <= kinds
    assert owner.username in "".join(pages.values())  # something is shown at all
    found = {(what, url) for url, page in pages.items() for what, secret in lived_in.items() if secret in page}
    assert found == set()


def test_confirmation_pages_show_no_secret(lived_in: dict[str, str], owner: User, operator: User) -> None:
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    for act in ("deactivate", "activate", "sign_out", "forget"):
        asked = client.post("/admin/auth/user/", {"action": act, "_selected_action": [owner.pk]}).content.decode()
        done = client.post(
            f"/admin/auth/user/action/{act}/", {"people": owner.pk, "confirmed": "yes"}, follow=True
        ).content.decode()
        assert owner.username in asked
        assert not [what for what, secret in lived_in.items() if secret in asked + done]


def test_every_page_names_its_icon(operator: User) -> None:
    """Or the browser asks for /favicon.ico meanwhile, whose answer once wrote over what was to be said next."""
    client = Client()
    pages = [client.get("/admin/login/")]
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    pages += [client.get(address) for address in ("/admin/", "/admin/auth/user/", "/admin/faceauth/signin/")]
    assert all('rel="icon"' in page.content.decode() for page in pages)
