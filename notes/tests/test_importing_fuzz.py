"""Whatever comes in, in a process with little memory: no crash, and nothing over its budget."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from privatekit.tests.limited import run_limited

ROOM = 256 * 1024**2  # bytes of address space beyond what Python and Django take themselves
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
CASES = Path(__file__).parent / "cases"

NAMES = st.sampled_from(
    [
        "a.md",
        "Keep/a.json",
        "a.enex",
        f"{1:032x}.md",
        "Standard Notes.txt",
        "a/b.bin",
        "in.zip",
        "in.jex",
        ".git/x",
        "C:x",
    ]
) | st.text(max_size=20)
BYTES = st.binary(max_size=300)
EXPORTS = st.sampled_from(
    [
        b'{"isTrashed": false, "userEditedTimestampUsec": 1e400, "title": 3, "listContent": {}, "attachments": [{}]}',
        b'{"items": [{"content_type": "Note", "content": {"text": "x", "appData": []}}, {"content_type": []}]}',
        b"<?xml version='1.0'?><en-export><note><title>a</title><content>&lt;en-note&gt;</content></note></en-export>",
        b"<en-export><note><content><![CDATA[<en-note><li><ol><a>x</a></ol></li></en-note>]]></content></note></en-export>",
        b"Title\n\nbody\n\nid: 1\nparent_id: 1\ncreated_time: x\ntype_: 1",
        b"\xef\xbb\xbf---\ntags: [a\ncreated: 99999999999999999999\n---\n![[a/../../b]] ![](<../b.bin>)",
        b"[" * 100_000,
        b"0" * 3_000_000,
    ]
)


def alter(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    content = bytearray(data)
    for place, value in changes:
        if content:
            content[place % len(content)] = value
    return bytes(content)


CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6)


@st.composite
def zips(draw: st.DrawFn, depth: int = 2) -> bytes:
    buffer = io.BytesIO()
    contents = BYTES | EXPORTS | (zips(depth - 1) if depth else BYTES)
    methods = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in draw(st.dictionaries(NAMES, contents, max_size=5)).items():
            archive.writestr(name or "x", content, draw(methods))
    return alter(buffer.getvalue(), draw(CHANGES))


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in draw(st.dictionaries(NAMES, BYTES | EXPORTS, max_size=5)).items():
            info = tarfile.TarInfo(name.replace("\0", "") or "x")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return alter(buffer.getvalue(), draw(CHANGES))


FILES = st.one_of(
    st.tuples(st.just("a.zip"), zips() | BYTES),
    st.tuples(st.just("a.jex"), tars() | BYTES),
    st.tuples(st.sampled_from(["a.enex", "a.json", "a.txt", "a.md"]), st.builds(alter, EXPORTS | BYTES, CHANGES)),
)


def read_all(name: str, content: bytes) -> None:
    """What an import does, without a database: every note and every file is read."""
    from notes.importing import READERS, archive, plant, unfold
    from notes.importing.report import ARCHIVES, Member, Result, Tree, Unopened, Unreadable

    result, budget = Result(), archive.Budget(len(content))
    start = budget.left
    try:
        tree: Tree = {(name,): Member((name,), lambda: iter([content]))}
        if name.endswith(ARCHIVES):
            tree = plant({}, archive.members_of(io.BytesIO(content), name, budget, result))
            unfold(tree, budget, result)
        for reader in READERS:
            for incoming in reader(tree, result):
                assert len(incoming.page.text) <= 100_000
                for file in incoming.files:
                    try:
                        assert len(file.read(1000)) <= 1001
                    except Unreadable:
                        continue
    except Unopened:
        return
    assert 0 <= budget.left <= start + len(content)
    assert all(len(line) < 2000 for line in result.left_out + result.said)


def fuzz() -> None:
    """In the other process."""
    quiet = hypothesis(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    for case in CASES.glob("*.zip"):
        read_all("a.zip", case.read_bytes())
    quiet(given(FILES)(lambda file: read_all(*file)))()


@pytest.mark.slow
def test_nothing_that_comes_in_crashes_or_takes_more_than_its_budget() -> None:
    run_limited("notes.tests.test_importing_fuzz", "fuzz", ROOM)
