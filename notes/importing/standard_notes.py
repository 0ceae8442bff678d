"""Standard Notes: a decrypted backup, which is one JSON file of all items."""

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from notes.export_format import ParsedNote
from notes.importing import jsons
from notes.importing.front_matter import compose, moment_of
from notes.importing.jsons import dicts, text
from notes.importing.report import Incoming, Member, Result, Tree, Unreadable
from notes.importing.texts import check_length

MAX_BACKUP = 50 * 1024**2  # bytes, which take some ten times as much memory
HEAD = 4000  # bytes
APP = "org.standardnotes.sn"
DEPTH = 50  # of a rich text


def read(tree: Tree, result: Result) -> Iterator[Incoming]:
    for member in [member for member in tree.values() if member.ends(".json", ".txt") and is_backup(member)]:
        del tree[member.path]
        for path in [path for path in tree if path[: len(member.folder) + 1] == (*member.folder, "Items")]:
            del tree[path]  # the same notes once more
        try:
            items = dicts(jsons.load(member, MAX_BACKUP).get("items"))
        except (Unreadable, AttributeError) as error:
            result.leave_out(member.shown, error if isinstance(error, Unreadable) else _("damaged."))
            continue
        yield from notes_of(items, member, result)


def is_backup(member: Member) -> bool:
    try:
        start = member.read(HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    except Unreadable:
        return False
    return start.startswith(b"{") and b'"items"' in start and b'"content_type"' in start


def notes_of(items: list[dict[str, Any]], member: Member, result: Result) -> Iterator[Incoming]:
    tags: dict[str, list[str]] = {}
    for item in items:
        content = item.get("content")
        if item.get("content_type") == "Tag" and isinstance(content, dict):
            for reference in dicts(content.get("references")):
                tags.setdefault(text(reference.get("uuid")), []).append(text(content.get("title")))
    others: dict[str, int] = {}
    for item in items:
        kind = text(item.get("content_type"))
        if kind != "Note":
            others[kind] = others.get(kind, 0) + 1
            continue
        try:
            page = page_of(item, tags.get(text(item.get("uuid")), []))
            check_length(page)
        except Unreadable as error:
            result.leave_out(name_of(item) or member.shown, error)
        else:
            yield Incoming(name_of(item), page, [])
    for kind, count in others.items():
        result.leave_out(
            member.shown, _("%(count)s items of the type %(kind)s, not notes.") % {"count": count, "kind": kind}
        )


def name_of(item: dict[str, Any]) -> str:
    content = item.get("content")
    return text(content.get("title") if isinstance(content, dict) else "") or text(item.get("uuid"))


def page_of(item: dict[str, Any], tags: list[str]) -> ParsedNote:
    """Raises `Unreadable`."""
    content = item.get("content")
    if isinstance(content, str) or item.get("enc_item_key"):
        raise Unreadable(_("encrypted by Standard Notes: a decrypted backup is needed."))
    if not isinstance(content, dict):
        raise Unreadable(_("damaged."))
    data = content.get("appData")
    about = data.get(APP) if isinstance(data, dict) else {}
    about = about if isinstance(about, dict) else {}
    if item.get("deleted") or content.get("trashed") or about.get("trashed"):
        raise Unreadable(_("it was in the trash."))
    words = text(content.get("text"))
    body = rich_text(words) if content.get("noteType") == "super" else words
    if not body.strip():
        raise Unreadable(_("empty."))
    return compose(
        body,
        title=text(content.get("title")),
        tags=[tag for tag in tags if tag.strip()],
        created=moment_of(item.get("created_at") or ""),
        changed=moment_of(about.get("client_updated_at") or item.get("updated_at") or ""),
        pinned=about.get("pinned") is True,
    )


def rich_text(words: str) -> str:
    """The words of a Super note, which is a tree in JSON; what is no such tree stays as it is."""
    try:
        root = json.loads(words)["root"]
        return "\n\n".join(filter(None, (plain(block, DEPTH) for block in dicts(root["children"]))))
    except (ValueError, KeyError, TypeError, RecursionError):
        return words


def plain(node: dict[str, Any], depth: int) -> str:
    if depth == 0 or node.get("type") == "linebreak":
        return "\n"
    children = [plain(child, depth - 1) for child in dicts(node.get("children"))]
    match node.get("type"):
        case "list":
            return "\n".join(children)
        case "listitem":
            mark = "- [x] " if node.get("checked") else ("- [ ] " if "checked" in node else "- ")
            return mark + "".join(children)
        case "heading":
            level = text(node.get("tag"))[1:]
            return f"{'#' * (int(level) if level in tuple('123456') else 2)} {''.join(children)}"
    return text(node.get("text")) + "".join(children)
