"""Import notes: our own ZIP, Markdown and text files, and what other notebooks export.

An archive is checked as a whole before the first note is saved: one that is too much, or that plays tricks with paths,
is refused altogether. Each reader takes its own files out of what came, and the last one names what is left.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from django.contrib.auth.models import User
from django.core.files.base import File
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from notes.attachments import tidy
from notes.importing import archive, enex, joplin, keep, markdown, standard_notes
from notes.importing.archive import Budget
from notes.importing.report import (
    ARCHIVES,
    MAX_LOOSE,
    MAX_ZIPPED,
    Incoming,
    Member,
    Refused,
    Result,
    Tree,
    Unopened,
)
from notes.importing.saving import save_all

__all__ = ["ARCHIVES", "MAX_LOOSE", "MAX_ZIPPED", "Refused", "Result", "import_files", "max_bytes"]

Reader = Callable[[Tree, Result], Iterator[Incoming]]

READERS: tuple[Reader, ...] = (keep.read, enex.read, joplin.read, standard_notes.read, markdown.read)
"""The last takes whatever the others have left."""


def max_bytes(file: File[bytes]) -> int:
    """How many bytes may be sent of such a file."""
    return MAX_ZIPPED if (file.name or "").lower().endswith(ARCHIVES) else MAX_LOOSE


@sensitive_variables()
def import_files(owner: User, files: Iterable[File[bytes]]) -> Result | Refused:
    """Keep what is in the files as notes, and say what was left out, and why."""
    result = Result()
    loose: Tree = {}
    for number, file in enumerate(files):
        name = tidy(file.name or "")
        if name.lower().endswith(ARCHIVES):
            try:
                import_archive(owner, file, name, result)
            except Unopened as error:
                return error.why
        else:
            path = (name,) if (name,) not in loose else (str(number), name)
            loose[path] = Member(path, whole(file))
    keep_all(owner, loose, result)
    result.finish()
    return result


@sensitive_variables()
def import_archive(owner: User, file: File[bytes], name: str, result: Result) -> None:
    """Raises `Unopened` before anything is saved."""
    budget = Budget(file.size or 0)
    tree = plant({}, archive.members_of(file, name, budget, result))
    unfold(tree, budget, result)
    keep_all(owner, tree, result)


def unfold(tree: Tree, budget: Budget, result: Result) -> None:
    """Open the archives within, but for those that are attachments in our own export."""
    for _depth in range(archive.MAX_DEPTH):
        own = markdown.own_folders(tree.values())
        inner = [member for member in tree.values() if member.ends(*ARCHIVES) and member.folder not in own]
        for member in inner:
            found = archive.unfolded(member, budget, result)
            del tree[member.path]
            plant(tree, found or ())


def plant(tree: Tree, members: Iterable[Member]) -> Tree:
    """Add the members. A second one of the same path gets a folder of its own."""
    for member in members:
        path = member.path
        while path in tree:
            path = (*path[:-1], "2", path[-1])
        tree[path] = replace(member, path=path)
    return tree


def keep_all(owner: User, tree: Tree, result: Result) -> None:
    try:
        for reader in READERS:
            save_all(owner, reader(tree, result), result)
    except Unopened as error:  # what it holds is more than it says of itself
        result.left_out.append(_("The rest was left out. %(why)s") % {"why": error.why.value})


def whole(file: File[bytes]) -> Callable[[], Iterator[bytes]]:
    def stream() -> Iterator[bytes]:
        file.seek(0)
        yield from file.chunks()

    return stream
