"""Every page of the site, and how to get there: one list for all who look at pages.

A page that is added to the site and not to this list fails `test_walk.py`.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from django.utils.translation import gettext_lazy, override
from playwright.sync_api import BrowserContext, Page, expect

from faceauth.tests import pictures
from notes.models import MAX_LENGTH
from secretly.tests.cast import Cast

# What answers with no page of its own.
ANSWERS_WITHOUT_A_PAGE = {
    "notes:tick": "goes back",
    "notes:pin": "goes back",
    "notes:restore": "goes back",
    "notes:attachment": "a file",
    "notes:thumbnail": "a picture",
    "notes:export_zip": "a ZIP",
    "faceauth:logout": "goes to the door",
    "faceauth:withdraw": "not where a face is all that opens a notebook",
    "faceauth:claim": "goes on to the notebook or the consent question",
    "faceauth:stop_mfa_reset": "goes back",
    "faceauth:end_session": "goes back to the settings",
    "faceauth:end_others": "goes back to the settings",
    "offline_latest": "JSON",
    "faceauth:rename_face": "goes back to the settings",
    "faceauth:remove_face": "goes back to the settings",
    "faceauth:devices": "JSON",
    "faceauth:end_device": "goes back to the settings",
    "faceauth:end_devices": "goes back to the settings",
    "faceauth:confirm_changes": "goes back",
    "faceauth:take_back": "goes back to the settings",
    "faceauth:mfa": "goes to the settings",
    "notes:preferences": "goes back to the settings",
    "display": "goes back to the settings",
    "faceauth:device_proof": "JSON",
    "faceauth:export": "a ZIP",
    "faceauth:liveness": "JSON",
    "faceauth:liveness_frame": "JSON",
    "faceauth:photo_logins": "goes back to the settings",
    "faceauth:remove_factor": "goes back to the settings",
    "faceauth:extend_liveness": "JSON",
    "faceauth:device_check": "goes back to the settings",
    "faceauth:password": "for who has a password and no face, which nobody has here but operators",
    "/admin/login/": "the admin's own, which the walk visits",
    "manifest": "JSON",
    "worker": "a script",
    "/favicon.ico": "goes to the icon",
}

File = tuple[str, str, bytes]
"""Name, type, content."""


@dataclass(frozen=True)
class Stop:
    """A page, and how it comes about: an address, sometimes a form that is sent from there, and things to do."""

    name: str
    address: str
    who: str = "owner"
    """"owner", "newcomer", "locked", "pending", "operator", or "nobody"."""

    sends_to: str = ""
    fields: Mapping[str, str | File] = field(default_factory=dict)
    token: bool = True
    template: str = ""
    """A page that comes in the place of the address: of an error, or of what takes a living face to see."""

    context: Mapping[str, Any] = field(default_factory=dict)
    """What the template shows."""

    does: tuple[tuple[str, ...], ...] = ()
    """What is done then: ("press", selector, key), ("click", selector), ("fill", selector, text), ("see", selector),
    ("offline", pattern of the addresses that no form reaches)."""


def stops(cast: Cast) -> Iterator[Stop]:
    """All of them; those that change something come last."""
    yield from at_the_door(cast)
    yield from in_the_notebook(cast)
    yield from about_oneself(cast)
    yield from errors()
    yield from for_operators()


def at_the_door(cast: Cast) -> Iterator[Stop]:
    login, enrol = reverse("faceauth:login"), reverse("faceauth:enrol")
    picture = ("me.png", "image/png", pictures.encoded(pictures.opened(pictures.landscape()), "PNG"))
    yield Stop("door", login, "nobody")
    yield Stop("how-it-works", reverse("faceauth:how_it_works"), "nobody")
    yield Stop("door-refused", login, "nobody", sends_to=login, fields={"file": picture})
    face = ("me.jpg", "image/jpeg", pictures.hopper())
    yield Stop("consent", login, "nobody", sends_to=login, fields={"file": face})
    claim = {
        "message": gettext_lazy("A photo made a notebook for a face like yours. Is it yours?"),
        "made": datetime(2026, 11, 3, 16, 20, tzinfo=UTC),
        "usage": [{"name": gettext_lazy("notes"), "count": 12}],
        "sealed": "sealed",
    }
    yield Stop("claim", "/an-error/", "nobody", template="faceauth/claim.html", context=claim)
    yield Stop("goodbye", login, "nobody", sends_to=enrol, fields={"answer": "no", "sealed": ""})
    yield Stop("offline", reverse("offline"), "nobody")


def in_the_notebook(cast: Cast) -> Iterator[Stop]:
    home, note, long_note = (
        reverse("notes:list"),
        *(reverse("notes:note", args=[n]) for n in (cast.note, cast.long_note)),
    )
    nowhere = reverse("notes:note", args=["00000000-0000-4000-8000-000000000000"])
    words = {"text": "What I typed here,\nand nowhere else.", "writer": str(cast.owner)}
    yield Stop("notebook-new", home, "newcomer")
    yield Stop("notebook", home)
    yield Stop("notebook-second-page", f"{home}?page=2")
    yield Stop("notebook-deleted", f"{home}?deleted={cast.trashed}")
    yield Stop("new-note", reverse("notes:new"))
    yield Stop("notebook-menu", home, does=(("click", "[data-menu] summary"), ("see", "[data-menu][open]")))
    yield Stop("notebook-searching", home, does=(("fill", "#words", "bread"), ("see", "[data-found] .card")))
    yield Stop("notebook-nothing-found", home, does=(("fill", "#words", "xyzzy"), ("see", "[data-all][hidden]")))
    yield Stop("notebook-keys", home, does=(("press", "main", "?"), ("see", "dialog[open]")))
    unreachable = (
        ("offline", "**/*"),
        ("fill", ".surface", "Only here"),
        ("press", ".surface", "Control+l"),
        ("see", "[data-cover]"),
    )
    yield Stop("notebook-covered", reverse("notes:new"), does=unreachable)
    yield Stop("notebook-too-long", home, sends_to=home, fields={"text": "too long " * (MAX_LENGTH // 9 + 1)})
    yield Stop("note", long_note, does=(("see", ".surface"),))
    yield Stop("note-tasks", note, does=(("see", ".surface .box"), ("click", ".syntax summary")))
    open_picture = (("click", "[data-picture]"), ("see", "dialog.viewer[open]"))
    yield Stop("picture", long_note, does=open_picture)
    yield Stop("note-version", reverse("notes:version", args=[cast.changed_note, 1]))
    empty = {"file": ("plan.txt", "text/plain", b"")}
    yield Stop("not-shared", home, sends_to=reverse("notes:share"), fields=empty)
    yield Stop("attach-refused", home, sends_to=reverse("notes:attach", args=[cast.note]), fields=empty)
    yield Stop("detach", home, sends_to=reverse("notes:detach", args=[cast.attachment]))
    yield Stop("conflict", home, sends_to=note, fields=words | {"version": "0"})
    yield Stop("gone", home, sends_to=nowhere, fields=words | {"version": "1"})
    yield Stop("delete-conflict", home, sends_to=reverse("notes:delete", args=[cast.note]), fields={"version": "0"})
    yield Stop("kept-locked", reverse("faceauth:login"), "nobody", sends_to=home, fields=words)
    yield Stop("kept-stale", home, sends_to=home, fields=words, token=False)
    yield Stop("somebody-else", home, "newcomer", sends_to=home, fields=words)
    yield Stop("search", home, sends_to=reverse("notes:search"), fields={"words": "bread"})
    yield Stop("search-nothing-found", home, sends_to=reverse("notes:search"), fields={"words": "xyzzy"})
    yield Stop("trash", reverse("notes:trash"))
    trash = reverse("notes:trash")
    yield Stop("trash-delete", trash, sends_to=reverse("notes:delete_forever", args=[cast.trashed]))
    yield Stop("trash-empty", reverse("notes:trash"), "newcomer")
    yield Stop("export", reverse("notes:export"))
    broken = {"file": ("notes.zip", "application/zip", b"no ZIP")}
    yield Stop("import-refused", reverse("notes:export"), sends_to=reverse("notes:import"), fields=broken)
    page = {"file": ("picture.bmp", "image/bmp", b"BM")}
    yield Stop("import-left-out", reverse("notes:export"), sends_to=reverse("notes:import"), fields=page)


def about_oneself(cast: Cast) -> Iterator[Stop]:
    settings_page = reverse("faceauth:account")
    yield Stop("settings", settings_page)
    yield Stop("settings-some-factors", settings_page, "locked")
    yield Stop("settings-operator", settings_page, "operator")
    yield Stop("offline-not-trusted", settings_page, sends_to=reverse("offline_copy"))
    copy = {"permission": "signed", "latest": 20}
    yield Stop("offline-copy", "/an-error/", "nobody", template="offline_copy.html", context=copy)
    yield Stop("add-appearance", reverse("faceauth:faces"))
    yield Stop("again", reverse("faceauth:reauthenticate"))
    yield Stop("trust-device", reverse("faceauth:trust_device"))
    yield Stop("device-refused", settings_page, sends_to=reverse("faceauth:approve_device"), fields={"number": ""})
    yield Stop("add-passkey", reverse("faceauth:add_passkey"))
    yield Stop("add-app", reverse("faceauth:add_app"))
    lock = reverse("faceauth:second_factor")
    yield Stop("second-factor", lock, "locked")
    yield Stop("second-factor-wrong", lock, "locked", sends_to=lock, fields={"code": "wrong"})
    yield Stop("recovery-codes", settings_page, "locked", sends_to=reverse("faceauth:recovery_codes"))
    approval = reverse("faceauth:device_approval")
    yield Stop("ask-trusted-device", approval, "pending")
    yield Stop("ask-trusted-device-waiting", approval, "pending", sends_to=approval)
    forget = reverse("faceauth:forget")
    yield Stop("forget", forget)
    yield Stop("forget-mistyped", forget, sends_to=forget, fields={"word": "forget you"})
    yield Stop("forgotten", reverse("faceauth:receipt", args=[cast.receipt]), "nobody")
    yield Stop("forgotten-pending", reverse("faceauth:receipt", args=[cast.pending_receipt]), "nobody")


def errors() -> Iterator[Stop]:
    for path in sorted((settings.BASE_DIR / "templates").glob("[45]*.html")):
        yield Stop(f"error-{path.stem}", "/an-error/", "nobody", template=path.name)


def for_operators() -> Iterator[Stop]:
    yield Stop("admin-login", reverse("admin:login"), "nobody")
    yield Stop("admin", reverse("admin:index"), "operator")
    for model in admin.site._registry:
        options = model._meta
        name = f"admin:{options.app_label}_{options.model_name}"
        yield Stop(f"admin-{options.app_label}-{options.model_name}", reverse(f"{name}_changelist"), "operator")
        first = model._default_manager.first()
        if first is not None:
            address = reverse(f"{name}_change", args=[first.pk])
            yield Stop(f"admin-{options.app_label}-{options.model_name}-one", address, "operator")


# Names of the addresses -----------------------------------------------------------------------------------------------


def names(patterns: list[URLPattern | URLResolver] | None = None, space: str = "") -> set[str]:
    """The names of all addresses of the site; those of the admin are Django's own, and walked by its models."""
    found: set[str] = set()
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                found |= names(pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        else:
            found.add(f"{space}{pattern.name}" if pattern.name else f"/{pattern.pattern}")
    return found


def walked(cast: Cast) -> set[str]:
    """The names of the addresses whose pages are in the list."""
    return {
        resolve(address.partition("?")[0].partition("#")[0]).view_name
        for stop in stops(cast)
        for address in (stop.address, stop.sends_to)
        if address and not stop.template
    }


# Walking --------------------------------------------------------------------------------------------------------------


def go(page: Page, stop: Stop, cast: Cast, base_url: str) -> None:
    """Bring the page to that stop. Raises Playwright's errors when the way is not there."""
    sign_in(page.context, cast.sessions.get(stop.who), base_url)
    page.unroute_all()
    if stop.template:
        language = str(page.evaluate("navigator.language"))
        with override(language):
            body = render_to_string(stop.template, dict(stop.context))
        page.route("**/an-error/", lambda route: route.fulfill(status=200, body=body, content_type="text/html"))
    page.goto("about:blank")
    page.goto(base_url + stop.address)
    if stop.sends_to:
        with page.expect_navigation():
            page.evaluate(SEND, [stop.sends_to, sendable(stop.fields), stop.token])
    for what, *details in stop.does:
        do(page, what, *details)
    page.evaluate(DRAWN)


def sign_in(context: BrowserContext, session: str | None, base_url: str) -> None:
    context.clear_cookies()
    if session:
        context.add_cookies([{"name": "sessionid", "value": session, "url": base_url}])


def do(page: Page, what: str, target: str, *details: str) -> None:
    match what:
        case "press":
            page.locator(target).press(details[0])
        case "click":
            page.locator(target).first.click()
        case "fill":
            page.locator(target).fill(details[0])
        case "see":
            expect(page.locator(target).first).to_be_attached()
        case "offline":
            page.route(target, lambda route: route.abort() if route.request.method == "POST" else route.continue_())
        case _:
            raise ValueError(what)


def sendable(fields: Mapping[str, str | File]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str) else [*value[:2], base64.b64encode(value[2]).decode()]
        for name, value in fields.items()
    }


# Until there are letters, and the picture that is shown over the page.
DRAWN = """Promise.all([...document.querySelectorAll("dialog[open] img")].map((one) => one.decode().catch(() => {})))
    .then(() => document.fonts.ready).then(() => true)"""

# A form that no page has, sent as the pages send theirs: with the token of this one.
SEND = """([address, fields, token]) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: address, enctype: "multipart/form-data", hidden: true });
    if (token) fields.csrfmiddlewaretoken = document.querySelector("[name=csrfmiddlewaretoken]").value;
    for (const [name, value] of Object.entries(fields)) {
        const field = form.appendChild(document.createElement(Array.isArray(value) ? "input" : "textarea"));
        field.name = name;
        if (!Array.isArray(value)) { field.value = value; continue; }
        const bytes = Uint8Array.from(atob(value[2]), (character) => character.charCodeAt(0));
        const files = new DataTransfer();
        files.items.add(new File([bytes], value[0], { type: value[1] }));
        field.type = "file";
        field.files = files.files;
    }
    document.body.append(form);
    form.submit();
}"""
