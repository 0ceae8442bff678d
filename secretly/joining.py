"""Join the ES modules of a script into one file, so that a page needs one request for them.

Our own modules alone, written in the plain way that is checked here: named imports and exports, each at the start of a
line, no circles. Every module becomes a function that is called once. Comments go.
"""

import posixpath
import re
from collections.abc import Callable

Read = Callable[[str], str]
"""The text of a module, by its path."""

IMPORT = re.compile(r'^import (?:(\{[^}]*\}|\* as \w+) from )?"(\.[^"]+)";\n', re.M)
PASS_ON = re.compile(r'^export (\{[^}]*\}) from "(\.[^"]+)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) (\w+))", re.M)
LATER = re.compile(r'\bimport\("(\.[^"]+)"\)')
COMMENT = re.compile(r"^[ \t]*//[^\n]*\n|/\*\*\s.*?\*/[ \t]*\n?", re.M | re.S)
BY_OTHERS = re.compile(r"^(?:import|export)\b.*|.*\bimport\.meta\b.*", re.M)

WAITS = re.compile(r"^\S.*\bawait\b", re.M)
"""A module that waits before it is ready."""


class NotJoined(Exception):
    """A module is not written in the way that can be joined."""


def join(entry: str, read: Read, apart: frozenset[str] = frozenset()) -> str:
    """The module `entry` with all that it imports.

    What it imports only later is joined too, but for the paths in `apart`, which stay files of their own.
    """
    done: dict[str, str | None] = {}  # the name of each module's constant, by its path, in the order in which they run
    parts: list[str] = []
    name = add(entry, read, apart, posixpath.dirname(entry), done, parts)
    exports = EXPORT.findall(read(entry))
    return "".join(parts) + (f"export const {{ {', '.join(exports)} }} = {name};\n" if exports else "")


def add(
    path: str, read: Read, apart: frozenset[str], folder: str, done: dict[str, str | None], parts: list[str]
) -> str:
    """Write the module at `path` behind those that it imports, where it is not there yet. Returns its name."""
    if name := done.get(path):
        return name
    if path in done:
        raise NotJoined(f"{path} imports itself, by way of others.")
    done[path] = None
    here = posixpath.dirname(path)

    def module(address: str) -> str:
        return add(posixpath.normpath(posixpath.join(here, address)), read, apart, folder, done, parts)

    def imported(match: re.Match[str]) -> str:
        name = module(match[2])
        return f"const {re.sub(r' as ', ': ', match[1].removeprefix('* as '))} = {name};\n" if match[1] else ""

    exports: list[str] = []

    def passed_on(match: re.Match[str]) -> str:
        exports.extend(re.findall(r"(\w+)\s*[,}]", match[1]))
        return f"const {re.sub(r' as ', ': ', match[1])} = {module(match[2])};\n"

    def later(match: re.Match[str]) -> str:
        wanted = posixpath.normpath(posixpath.join(here, match[1]))
        if wanted in apart:
            return f'import("./{posixpath.relpath(wanted, folder)}")'
        return f"Promise.resolve({module(match[1])})"

    text = IMPORT.sub(imported, COMMENT.sub("", read(path)))
    text = PASS_ON.sub(passed_on, text)
    exports += EXPORT.findall(text)
    text = EXPORT.sub("", text)
    if other := BY_OTHERS.search(text):
        raise NotJoined(f"{path}: {other[0]}")
    text = LATER.sub(later, text)
    done[path] = name = f"module{len(parts)}"
    parts.append(wrapped(name, text, exports))
    return name


def wrapped(name: str, text: str, exports: list[str]) -> str:
    """The text of a module as a function that is called at once and returns what it exports."""
    waits, runs = ("await ", "async ") if WAITS.search(text) else ("", "")
    return f"const {name} = {waits}({runs}() => {{\n{text}return {{ {', '.join(exports)} }};\n}})();\n"
