"""Nobody but the owner sees a note, or learns that there is one."""

import ast
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

import faceauth
import notes
from notes import editing
from notes.models import Note
from notes.tests.browser import open_form, send
from notes.tests.conftest import BACKEND

SECRET = "kettle"  # a word of the owner's note


ACTIONS = ("note", "tick", "pin", "delete", "restore", "delete_forever")


def pages_of(pk: object) -> list[str]:
    return [reverse("notes:note", args=[pk])]


def actions_of(pk: object) -> list[str]:
    """Where a form of that note can be sent."""
    return [reverse(f"notes:{name}", args=[pk]) for name in ACTIONS]


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_without_a_session_one_is_sent_to_the_sign_in(client: Client, note: Note, method: str) -> None:
    both = (
        (*pages_of(note.pk), *pages_of(uuid4())) if method != "post" else (*actions_of(note.pk), *actions_of(uuid4()))
    )
    for path in (reverse("notes:list"), reverse("notes:trash"), *both):
        answer = getattr(client, method)(path)
        assert answer.status_code == 302
        assert answer.url.startswith("/login/")


def test_a_strangers_notebook_is_empty(strange: Client, note: Note) -> None:
    assert SECRET not in strange.get(reverse("notes:list")).content.decode()


def test_a_strangers_note_is_not_found(strange: Client, note: Note) -> None:
    for there, never in zip(pages_of(note.pk), pages_of(uuid4()), strict=True):
        answer, other = strange.get(there), strange.get(never)
        assert answer.status_code == other.status_code == 404
        assert answer.content == other.content


def test_a_stranger_cannot_change_or_delete_it(strange: Client, note: Note) -> None:
    fields = {"text": "mine now", "version": "1"}
    fields |= {"line": "0", "pinned": "1"}
    for path in actions_of(note.pk):
        answer = send(strange, path, fields)
        assert answer.status_code == 404
        assert SECRET not in answer.content.decode()
    note.refresh_from_db()
    assert (note.text.count(SECRET), note.version, note.pinned, note.trashed) == (1, 1, False, None)


def test_a_stranger_cannot_restore_it_or_delete_it_forever(strange: Client, owner: User, note: Note) -> None:
    editing.delete(owner, note.pk, 1)
    for name in ("restore", "delete_forever"):
        for sure in ({}, {"sure": "1"}):
            assert strange.post(reverse(f"notes:{name}", args=[note.pk]), sure).status_code == 404
    assert SECRET not in strange.get(reverse("notes:trash")).content.decode()
    assert SECRET not in strange.get(reverse("notes:list"), {"deleted": str(note.pk)}).content.decode()
    strange.post(reverse("notes:trash"), {"sure": "1"})
    assert Note.objects.trashed(owner).filter(pk=note.pk).exists()


def test_a_stranger_cannot_find_it(strange: Client, note: Note) -> None:
    assert "kitchen" not in strange.post(reverse("notes:search"), {"words": SECRET}).content.decode()


@pytest.mark.parametrize("guess", ["1", "x", "00000000-0000-0000-0000-00000000000", "%00", "../../admin"])
def test_a_guess_is_not_found(own: Client, guess: str) -> None:
    assert own.get(f"/notes/{guess}/").status_code == 404


def test_pages_of_a_person_stay_out_of_caches(own: Client, note: Note) -> None:
    for path in (reverse("notes:list"), reverse("notes:trash"), *pages_of(note.pk)):
        assert "no-store" in own.get(path).headers["Cache-Control"]


def test_after_locking_nothing_opens(own: Client, note: Note) -> None:
    own.logout()
    assert own.get(reverse("notes:list")).headers["Location"].startswith("/login/")


def test_the_admin_does_not_know_notes() -> None:
    assert Note not in admin.site._registry


def test_the_name_of_a_note_holds_no_text(note: Note) -> None:
    """The admin lists what is deleted along with a person, by these names."""
    assert str(note) == str(note.pk)
    assert SECRET not in repr(note)


def admin_paths(*keys: object) -> list[str]:
    """Every admin page that the site has, with each of `keys` in the place of an object's id."""

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> list[str]:
        paths = []
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                paths += walk(pattern.url_patterns, f"{prefix}:{pattern.namespace}" if pattern.namespace else prefix)
            elif pattern.name:
                paths.append(f"{prefix}:{pattern.name}".removeprefix(":"))
        return paths

    names = [name for name in walk(get_resolver().url_patterns, "") if name.startswith("admin:")]
    found = []
    for name in names:
        wanted = get_resolver().namespace_dict["admin"][1].reverse_dict.getlist(name.removeprefix("admin:"))
        arguments = [params for possibilities, *_ in wanted for _, params in possibilities]
        for params in arguments:
            if not params:
                found.append(reverse(name))
            elif len(params) == 1 and params[0] in ("object_id", "id"):
                found += [reverse(name, args=[key]) for key in keys]
    return found


def test_no_admin_page_shows_a_note(note: Note, owner: User, operator: User) -> None:
    client = Client()
    client.force_login(operator, BACKEND)
    paths = admin_paths(owner.pk, note.pk)
    assert reverse("admin:auth_user_delete", args=[owner.pk]) in paths
    for path in paths:
        if path != reverse("admin:logout"):
            answer = client.get(path, follow=True)
            assert answer.status_code in (200, 403, 404, 405), path
            body = b"".join(answer).decode()  # one of them is streamed
            assert SECRET not in body, path
            assert "kitchen" not in body, path


def test_an_operator_has_no_way_into_a_notebook(note: Note, operator: User) -> None:
    client = Client()
    client.force_login(operator, BACKEND)
    assert {client.get(path).status_code for path in pages_of(note.pk)} == {404}
    assert {client.post(path).status_code for path in actions_of(note.pk)} == {404}
    assert SECRET not in client.get(reverse("notes:list")).content.decode()


def imports(module: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize(("room", "other"), [(notes, "faceauth"), (faceauth, "notes")])
def test_the_notebook_and_the_sign_in_do_not_import_each_other(room: object, other: str) -> None:
    folder = Path(str(room.__file__)).parent  # type: ignore[attr-defined]
    modules = [module for module in folder.rglob("*.py") if "tests" not in module.parts]
    assert modules
    assert [module for module in modules if other in imports(module)] == []


def test_text_is_masked_in_error_reports(own: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.views.debug import SafeExceptionReporterFilter

    answer = send(own, reverse("notes:list"), open_form(own, reverse("notes:list")).fields | {"text": SECRET})
    masked = SafeExceptionReporterFilter().get_post_parameters(answer.wsgi_request)
    assert SECRET not in str(masked)
