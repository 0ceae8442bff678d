"""Joplin, as JEX (a tar file) or RAW: a file of text for each item, and the files of resources.

An item is its title, its text, and lines of properties, of which the last is its type.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from notes.importing.front_matter import compose, moment_of
from notes.importing.report import Attached, Incoming, Member, Result, Tree, Unreadable
from notes.importing.texts import MAX_TEXT, check_length

ITEM = re.compile(r"[0-9a-f]{32}\.md")
PROPERTIES = re.compile(r"(?:\A|\n\n)((?:\w+:[^\n]*\n)*type_: *(\d+))\s*\Z")
NOTE, FOLDER, RESOURCE, TAG, NOTE_TAG = "1", "2", "4", "5", "6"
REFERENCE = re.compile(r":/([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Item:
    member: Member
    words: str
    """Title and text."""
    values: dict[str, str]

    @property
    def title(self) -> str:
        return self.words.partition("\n")[0].strip()

    @property
    def body(self) -> str:
        return self.words.partition("\n")[2].lstrip("\n")


def read(tree: Tree, result: Result) -> Iterator[Incoming]:
    members = [member for member in tree.values() if ITEM.fullmatch(member.name)]
    others: dict[str, Item] = {}
    notes = []
    for member in members:
        item = item_of(member, result)
        if item is None:
            continue
        del tree[member.path]
        if item.values["type_"] == NOTE:
            notes.append(member)  # read again later: all texts at once would fill the memory
        else:
            others[item.values.get("id", member.stem)] = Item(member, item.title, item.values)
    files = {member.stem: member for member in tree.values() if "resources" in member.folder}
    tags: dict[str, list[str]] = {}
    for item in others.values():
        if item.values["type_"] == NOTE_TAG and (tag := others.get(item.values.get("tag_id", ""))):
            tags.setdefault(item.values.get("note_id", ""), []).append(tag.title)
    for member in notes:
        if (item := item_of(member, result)) and (incoming := incoming_of(item, tags, others, files, result)):
            for one in REFERENCE.findall(item.body):
                if one in files:
                    tree.pop(files[one].path, None)
            yield incoming
    for item in others.values():
        if item.values["type_"] not in (FOLDER, RESOURCE, TAG, NOTE_TAG):
            result.leave_out(item.member.shown, _("a key, a revision or a setting of Joplin, not a note."))
    known = [item for item in others.values() if item.values["type_"] in (FOLDER, TAG, NOTE_TAG)]
    if known:
        result.leave_out("Joplin", _("%(count)s items that are notebooks or tags, not notes.") % {"count": len(known)})


def item_of(member: Member, result: Result) -> Item | None:
    """None: it is no item of Joplin, or cannot be read."""
    try:
        content = member.read(MAX_TEXT * 2).decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    except Unreadable as error:
        result.leave_out(member.shown, error)
        return None
    found = PROPERTIES.search(content[-20_000:])
    if found is None:
        return None
    words = content[: len(content) - len(found[0])] if found.start() or len(content) > 20_000 else ""
    values = dict(line.partition(": ")[::2] for line in found[1].replace("type_:", "type_: ").split("\n"))
    return Item(member, words, {key.rstrip(":"): value.strip() for key, value in values.items()})


def incoming_of(
    item: Item, tags: dict[str, list[str]], others: dict[str, Item], files: dict[str, Member], result: Result
) -> Incoming | None:
    values, name = item.values, item.title or item.member.name
    try:
        if values.get("encryption_applied") == "1":
            raise Unreadable(_("encrypted by Joplin."))
        if values.get("deleted_time", "0") not in ("", "0"):
            raise Unreadable(_("it was in the trash."))
        if not item.words.strip():
            raise Unreadable(_("empty."))
        box = {"1": "- [x] ", "0": "- [ ] "}["0" if values.get("todo_completed", "0") in ("", "0") else "1"]
        title = item.title if values.get("is_todo") != "1" else ""
        body = item.body if title or not item.title else f"{box}{item.title}\n\n{item.body}"
        page = compose(
            body,
            title=title,
            tags=[*filter(None, [notebook_of(item, others)]), *tags.get(values.get("id", ""), [])],
            created=moment_of(values.get("user_created_time") or values.get("created_time")),
            changed=moment_of(values.get("user_updated_time") or values.get("updated_time")),
        )
        check_length(page)
    except Unreadable as error:
        result.leave_out(name, error)
        return None
    found = [one for one in dict.fromkeys(REFERENCE.findall(item.body)) if one in files]
    return Incoming(name, page, [Attached(name_of(others.get(one), files[one]), files[one].read) for one in found])


def notebook_of(item: Item, others: dict[str, Item]) -> str:
    folder = others.get(item.values.get("parent_id", ""))
    return folder.title if folder and folder.values["type_"] == FOLDER else ""


def name_of(resource: Item | None, file: Member) -> str:
    if resource is None:
        return file.name
    return resource.values.get("filename") or resource.title or file.name
