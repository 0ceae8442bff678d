"""Google Keep, as Takeout gives it: a JSON file for each note, the same as HTML, and the pictures beside them."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from notes.export_format import ParsedNote
from notes.importing import jsons
from notes.importing.front_matter import compose, moment_of
from notes.importing.jsons import dicts, text
from notes.importing.report import Attached, Incoming, Member, Result, Tree, Unreadable
from notes.importing.texts import check_length

MAX_NOTE = 2 * 1024**2  # bytes: Keep takes 20,000 characters, with links and lists some hundred kB
SEEN = (b'"isTrashed"', b'"userEditedTimestampUsec"')


def read(tree: Tree, result: Result) -> Iterator[Incoming]:
    notes = [member for member in tree.values() if member.ends(".json") and is_note(member)]
    for member in notes:
        del tree[member.path]
        tree.pop((*member.folder, f"{member.stem}.html"), None)
    for folder in {member.folder for member in notes}:
        if tree.pop((*folder, "Labels.txt"), None):
            result.leave_out("/".join((*folder, "Labels.txt")), _("the list of labels; each note has its own."))
    used: dict[tuple[str, ...], Member] = {}
    for member in notes:
        try:
            note = jsons.load(member, MAX_NOTE)
            page = page_of(note)
            check_length(page)
        except Unreadable as error:
            result.leave_out(member.shown, error)
            continue
        files = [
            file for one in dicts(note.get("attachments")) if (file := find(tree, member, text(one.get("filePath"))))
        ]
        used |= {file.path: file for file in files}
        yield Incoming(member.shown, page, [Attached(file.name, file.read) for file in files])
    for path in used:
        del tree[path]


def is_note(member: Member) -> bool:
    try:
        start = member.read(MAX_NOTE)
    except Unreadable:
        return False
    return start.lstrip().startswith(b"{") and all(mark in start for mark in SEEN)


def page_of(note: Any) -> ParsedNote:
    """Raises `Unreadable`."""
    if not isinstance(note, dict):
        raise Unreadable(_("damaged."))
    if note.get("isTrashed"):
        raise Unreadable(_("it was in the trash."))
    boxes = [
        f"- [{'x' if one.get('isChecked') else ' '}] {text(one.get('text'))}" for one in dicts(note.get("listContent"))
    ]
    links = [
        f"[{text(one.get('title')) or one['url']}]({one['url']})"
        for one in dicts(note.get("annotations"))
        if text(one.get("url"))
    ]
    parts = [text(note.get("textContent")), "\n".join(boxes), "\n".join(links)]
    page = compose(
        "\n\n".join(filter(None, parts)),
        title=text(note.get("title")),
        tags=[text(one.get("name")) for one in dicts(note.get("labels")) if text(one.get("name")).strip()],
        created=moment_of(note.get("createdTimestampUsec")),
        changed=moment_of(note.get("userEditedTimestampUsec")),
        pinned=note.get("isPinned") is True,
    )
    if not page.text.strip():
        if not dicts(note.get("attachments")):
            raise Unreadable(_("empty."))
        page = compose(_("A picture from Google Keep"), created=page.created, changed=page.changed, pinned=page.pinned)
    return page


def find(tree: Tree, note: Member, name: str) -> Member | None:
    """The picture of a note. Takeout writes .jpeg in the note where the file is .jpg, and the other way round."""
    stem, dot, _ending = name.rpartition(".")
    names = [name, *(f"{stem}{dot}{ending}" for ending in ("jpg", "jpeg", "png"))] if name else []
    return next((tree[path] for one in names if (path := (*note.folder, one)) in tree), None)
