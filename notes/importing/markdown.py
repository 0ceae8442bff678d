"""Markdown and text files in folders: our own export, Obsidian, Notion, and whatever else keeps such files."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from django.utils.translation import gettext as _

from notes.attachments import tidy
from notes.export_format import parse_note
from notes.importing.report import ARCHIVES, ENDINGS, Incoming, Member, Parts, Result, Tree, Unreadable
from notes.importing.texts import NOTION_ID, read_page

MAX_HEAD = 2000  # bytes
MAX_LINKS = 200  # of a note, that lead to files
TRASH = {"trash", "$recycle.bin", "node_modules", "@eadir"}
SYSTEM = {".DS_Store", "Thumbs.db", "desktop.ini"}
LINK = re.compile(
    r"!?\[\[([^\]|#\n]{1,300})[^\]\n]{0,300}\]\]|\]\(<?([^()<>\n]{1,300}(?:\([^()\n]{0,100}\)[^()<>\n]{0,200})?)>?\)"
)
"""Links of wikis, and of Markdown."""
DOCUMENTS = (
    ".html",
    ".htm",
    ".json",
    ".xml",
    ".enex",
    ".doc",
    ".docx",
    ".odt",
    ".rtf",
    ".pdf",
    ".pages",
    ".one",
    ".epub",
    ".bmp",
)


def read(tree: Tree, result: Result) -> Iterator[Incoming]:
    """Every note, with the files of the folder that has its name and those that it links to. The rest is named."""
    leave_out_hidden(tree, result)
    own = own_folders(tree.values())
    pages = [member for member in tree.values() if member.ends(*ENDINGS) and member.folder not in own]
    for page in pages:
        del tree[page.path]
    folders: dict[Parts, list[Member]] = {}
    names: dict[str, list[Member]] = {}
    for member in tree.values():
        folders.setdefault(member.folder, []).append(member)
        names.setdefault(member.name.lower(), []).append(member)
    used: set[Parts] = set()
    for page in pages:
        try:
            parsed = read_page(page, result)
        except Unreadable as error:
            result.leave_out(page.shown, error)
            continue
        files = {file.path: file for folder in folders_of(page) for file in folders.get(folder, [])}
        if not parsed.ours:
            files |= {file.path: file for file in linked(page, parsed.text, tree, names)}
        used |= files.keys()
        yield Incoming(page.shown, parsed, [file.file() for file in files.values()])
    name_leftovers((member for member in tree.values() if member.path not in used), result)


def own_folders(members: Iterable[Member]) -> set[Parts]:
    """The folders of attachments in our own export.

    A text file is an attachment only there: other programs put notes in folders below notes.
    """
    found = list(members)
    filled = {member.folder for member in found}
    texts = [member for member in found if member.ends(*ENDINGS)]
    return {(*text.folder, text.stem) for text in texts if (*text.folder, text.stem) in filled and is_ours(text)}


def is_ours(page: Member) -> bool:
    try:
        start = page.read(MAX_HEAD)
    except Unreadable:
        return False
    return parse_note(start.decode("utf-8-sig", "replace")).ours


def folders_of(page: Member) -> list[Parts]:
    """Where the files of a note may be: Notion adds an id to the name of the note, and not always to the folder's."""
    return [(*page.folder, stem) for stem in dict.fromkeys((page.stem, NOTION_ID.sub("", page.stem)))]


def linked(page: Member, text: str, tree: Tree, names: dict[str, list[Member]]) -> Iterator[Member]:
    """The files that a note links to: beside it, from the top of the archive, or the only one of that name."""
    for wiki, address in LINK.findall(text)[:MAX_LINKS]:
        target = wiki.strip() or unquote(address.partition(' "')[0].strip())
        parts = tuple(part for part in target.replace("\\", "/").split("/") if part not in ("", "."))
        if not parts or ":" in parts[0]:
            continue
        folder = list(page.folder)
        while parts and parts[0] == "..":
            parts, folder = parts[1:], folder[:-1]
        alone = names.get(parts[-1].lower(), []) if parts else []
        places = ((*folder, *parts), parts, *((*page.folder[:i], *parts) for i in range(1, len(page.folder))))
        found = next((tree[place] for place in places if place in tree), alone[0] if len(alone) == 1 else None)
        if found:
            yield found


# What is no note ------------------------------------------------------------------------------------------------------


def leave_out_hidden(tree: Tree, result: Result) -> None:
    """Take out what programs keep beside notes: hidden folders, repositories, plugins, trash. It is named."""
    own = own_folders(tree.values())
    plugins = {member.folder for member in tree.values() if member.name == "manifest.json" and member.folder}
    plugins = {folder for folder in plugins if (*folder, "main.js") in tree}
    found: dict[Parts, list[str]] = {}
    for path, member in list(tree.items()):
        if member.name in SYSTEM or member.name.startswith("._") or "__MACOSX" in member.folder:
            del tree[path]
        elif member.folder not in own and (folder := hidden_folder(member.folder, plugins)):
            found.setdefault(folder, []).append("/".join(path[len(folder) :]))
            del tree[path]
    for folder, names in found.items():
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        result.leave_out(
            "/".join(folder), _("hidden, in the trash, or settings of an app: %(names)s.") % {"names": shown[:300]}
        )


def hidden_folder(folder: Parts, plugins: set[Parts]) -> Parts | None:
    for depth, part in enumerate(folder, 1):
        if (part.startswith(".") and part.strip(".")) or part.lower() in TRASH or folder[:depth] in plugins:
            return folder[:depth]
    return None


def name_leftovers(members: Iterable[Member], result: Result) -> None:
    """Report the files that belong to no note."""
    for member in members:
        why = _("not a Markdown or text file.") if member.ends(*DOCUMENTS) else _("not attached to any note.")
        why = _("an archive within too many others.") if member.ends(*ARCHIVES) else why
        result.leave_out("/".join(map(tidy, member.path)), why)
