"""What other notebooks export: notes come in with titles, tags, dates and files; what is none is named."""

import base64
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings

from notes import importing
from notes.importing import Result, legacy
from notes.models import Attachment, Note
from notes.search import search
from notes.tests.files import photo
from notes.tests.zips import taken_in, texts, zipped

CASES = Path(__file__).parent / "cases"


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def given(owner: User, name: str, content: bytes) -> Result:
    result = importing.import_files(owner, [SimpleUploadedFile(name, content)])
    assert isinstance(result, Result), result
    return result


# Names and texts ------------------------------------------------------------------------------------------------------


def test_backslashes_are_folders(owner: User) -> None:
    result = taken_in(owner, (CASES / "windows_backslashes.zip").read_bytes())
    assert (texts(owner), result.left_out) == ({"# Kettle\n\nboil it\n", "# Tea\n\nsteep\n"}, [])


def test_names_without_the_flag_are_utf8_where_they_can_be(owner: User) -> None:
    result = taken_in(owner, (CASES / "macos_unflagged_utf8_names.zip").read_bytes())
    assert (result.kept, result.attached, result.left_out) == (1, 1, [])
    assert [note.text[:9] for note in Note.objects.of(owner)] == ["# Čajník\n"]
    assert Attachment.objects.get().name == "účtenka č. 5.pdf"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("日記/台所.md", "cp932"),
        ("メモ.txt", "cp932"),
        ("Заметки/Чайник.md", "cp866"),
        ("Письмо.txt", "cp866"),
        ("Café crème/Brûlée à la carte.md", "cp1252"),
        ("Ça va.md", "cp1252"),
        ("résumé \u2013 draft.md", "cp1252"),
        ("Für Anna/Größe.md", "cp850"),
        ("笔记本/购物清单.md", "gb2312"),
        ("메모장/여행 계획.md", "euc_kr"),
        ("Документы/План.md", "cp1251"),
    ],
)
def test_names_in_codes_of_former_times(name: str, code: str) -> None:
    assert legacy.decode_names([name.encode(code), b"plain.md", "č.md".encode()]) == [name, "plain.md", "č.md"]


def test_the_title_that_only_the_name_has(owner: User) -> None:
    taken_in(owner, (CASES / "title_in_name.zip").read_bytes())
    [note] = search(owner, "Granny's plum dumplings", 0, 9)
    assert note.text.startswith("# Granny's plum dumplings\n\nHalf a kilo")
    assert note.created == datetime(2019, 3, 4, 5, 6, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("My first post.md", "# My first post!\n\nx", "# My first post!\n\nx"),
        ("my-first-post.md", "My First Post\nx", "My First Post\nx"),
        ("Untitled 3.md", "x", "x"),
        ("0f8fad5b-d9cb-469f-a165-70867728950e.txt", "x", "x"),
        (f"Trip {'0a' * 16}.md", "x", "# Trip\n\nx"),
        ("2021-03-04 Tuesday.md", "x", "# 2021-03-04 Tuesday\n\nx"),
    ],
)
def test_a_title_that_is_there_already_or_none_is_not_added(owner: User, name: str, text: str, kept: str) -> None:
    given(owner, name, text.encode())
    assert texts(owner) == {kept}


@pytest.mark.parametrize("code", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_unicode_with_a_mark(owner: User, code: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(code, b"")
    result = given(owner, "a.txt", mark + "Grüße aus Łódź".encode(code))
    assert (texts(owner), result.said) == ({"Grüße aus Łódź"}, [])


@pytest.mark.parametrize("code", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["A note on the kitchen\n", "Заметка о кухне", "台所は五時\nケトル"])  # noqa: RUF001
def test_utf_16_without_a_mark_is_read_and_said(owner: User, text: str, code: str) -> None:
    result = given(owner, "a.txt", text.encode(code))
    assert (texts(owner), result.said) == ({text}, [f"a.txt: was not UTF-8, and was read as {code}."])


def test_nul_characters_are_no_utf_16(owner: User) -> None:
    for content in (
        b"a\0b",
        b"plain\0text\n",
        bytes(100),
        b"\0 \0 \0\1",
        "no blank in it".replace(" ", "").encode("utf-16-le"),
    ):
        result = given(owner, "a.txt", content)
        assert (texts(owner), len(result.left_out)) == (set(), 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("caf\u00e9", "cp1252"),
        ("smørrebrød og øl", "cp1252"),
        ("Łódź jest piękna wiosną i jesienią", "cp1250"),
        ("Заметка о кухне, где в пять утра никого нет", "cp1251"),  # noqa: RUF001
        ("Заметка о кухне, где в пять утра никого нет", "koi8_r"),  # noqa: RUF001
        ("台所は五時。ケトルの音だけ。", "cp932"),
        ("يوم جميل في المطبخ", "cp1256"),
    ],
)
def test_text_of_former_times_is_read_and_said(owner: User, text: str, code: str) -> None:
    result = given(owner, "a.txt", text.encode(code))
    assert texts(owner) == {text}
    assert "a.txt: was not UTF-8, and was read as" in result.said[0]


def test_front_matter(owner: User) -> None:
    head = (
        "title: The kitchen\ntags: [home, tea time]\ncreated: 2020-01-02T03:04:05Z\nupdated: 2021-02-03\npinned: true"
    )
    given(owner, "a.md", f"---\n{head}\nauthor: Anna\naliases: []\n---\n\nwords".encode())
    note = Note.objects.of(owner).get()
    assert note.text == "# The kitchen\n\nauthor: Anna\n\nwords\n\n#home #tea-time"
    assert (note.created, note.changed) == (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2021, 2, 3, tzinfo=UTC))
    assert note.pinned


# Notebooks ------------------------------------------------------------------------------------------------------------


def test_obsidian(owner: User) -> None:
    result = taken_in(owner, (CASES / "obsidian_hidden.zip").read_bytes())
    assert result.kept == 1
    assert [line.partition(":")[0] for line in result.left_out] == ["Vault/.trash", "Vault/.obsidian", "Vault/.git"]
    assert "Letter to landlord.md" in result.left_out[0]
    vault: dict[str, str | bytes] = {
        "V/Tea.md": "Tea ![[cup.png]] and [plan](files/my%20plan.bin)",
        "V/img/cup.png": photo("PNG"),
    }
    result = taken_in(owner, zipped({**vault, "V/files/my plan.bin": b"x", "V/lost.bin": b"x"}))
    assert (result.attached, result.left_out) == (2, ["V/lost.bin: not attached to any note."])


def test_notion(owner: User) -> None:
    key = "0123456789abcdef" * 2
    part = zipped(
        {f"Trip {key}.md": "# Trip\n\n![map](Trip/map.png)", "Trip/map.png": photo("PNG"), f"T {key}.csv": "a"}
    )
    result = taken_in(owner, zipped({"Export-1-Part-1.zip": part}))
    assert (result.kept, result.attached) == (1, 1)
    assert texts(owner) == {"# Trip\n\n![map](Trip/map.png)"}
    assert result.left_out == [f"T {key}.csv: not attached to any note."]


def keep_note(**more: Any) -> str:
    note = {
        "color": "DEFAULT",
        "isTrashed": False,
        "isPinned": False,
        "isArchived": False,
        "title": "",
        "textContent": "",
    }
    times = {"userEditedTimestampUsec": 1577934245000000, "createdTimestampUsec": 1546398245000000}
    return json.dumps(note | times | more)


def test_google_keep(owner: User) -> None:
    shopping = keep_note(
        title="Shopping",
        listContent=[{"text": "tea", "isChecked": True}, {"text": "milk", "isChecked": False}],
        labels=[{"name": "At home"}],
        attachments=[{"filePath": "cup.jpeg", "mimetype": "image/jpeg"}],
        isPinned=True,
    )
    keep = "Takeout/Keep/"
    result = taken_in(
        owner,
        zipped(
            {
                f"{keep}Shopping.json": shopping,
                f"{keep}Shopping.html": "<p>",
                f"{keep}cup.jpg": photo(),
                f"{keep}Old.json": keep_note(textContent="gone", isTrashed=True),
                f"{keep}Labels.txt": "At home",
                f"{keep}broken.json": keep_note()[:-1],
            }
        ),
    )
    note = Note.objects.of(owner).get()
    assert note.text == "# Shopping\n\n- [x] tea\n- [ ] milk\n\n#At-home"
    assert (note.pinned, note.created.year, note.changed.year) == (True, 2019, 2020)
    assert [attachment.name for attachment in Attachment.objects.all()] == ["cup.jpg"]
    assert result.left_out == [
        f"{keep}Labels.txt: the list of labels; each note has its own.",
        f"{keep}Old.json: it was in the trash.",
        f"{keep}broken.json: damaged.",
    ]


ENEX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export3.dtd">{declared}
<en-export export-date="20200101T000000Z" application="Evernote" version="10">
<note><title>Tea</title><created>20200102T030405Z</created><updated>20200203T030405Z</updated><tag>home</tag>
<content><![CDATA[<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE en-note SYSTEM "http://xml.evernote.com/pub/enml2.dtd">
<en-note><div>Hot&nbsp;<b>water</b></div><ul><li><div>leaves</div></li></ul><div><en-todo checked="true"/>cup</div>
<en-media hash="x" type="text/plain"/><en-crypt>AAAA</en-crypt></en-note>]]></content>
<resource><data encoding="base64">{data}</data><mime>text/plain</mime>
<resource-attributes><file-name>plan.txt</file-name></resource-attributes></resource></note></en-export>"""


def test_evernote(owner: User) -> None:
    export = ENEX.format(declared="", data=base64.encodebytes(b"Meet at five.").decode())
    result = given(owner, "mine.enex", export.encode())
    note = Note.objects.of(owner).get()
    assert note.text.replace("\xa0", " ") == "# Tea\n\nHot **water**\n- leaves\n- [x] cup\n\n#home"
    assert (note.created, result.attached) == (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), 1)
    assert Attachment.objects.get().name == "plan.txt"
    assert result.said == ["Tea: a part that Evernote has encrypted was left out."]


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        "<unclosed",
        "<a>" * 100_000,
    ],
)
def test_hostile_xml_is_left_out(owner: User, declared: str) -> None:
    result = given(owner, "mine.enex", f'<?xml version="1.0"?>{declared}<en-export/>'.encode())
    assert (result.kept, len(result.left_out)) == (0, 1)


def joplin(number: int, kind: int, words: str, **values: object) -> tuple[str, bytes]:
    key = f"{number:032x}"
    lines = [f"{name}: {value}" for name, value in {"id": key, **values, "type_": kind}.items()]
    return f"{key}.md", f"{words}\n\n".encode() + "\n".join(lines).encode()


def test_joplin(owner: User) -> None:
    items = dict(
        [
            joplin(
                1, 1, f"Tea\n\nwith ![](:/{5:032x})", parent_id=f"{2:032x}", created_time="2020-01-02T03:04:05.000Z"
            ),
            joplin(2, 2, "Kitchen"),
            joplin(3, 5, "hot"),
            joplin(4, 6, "", note_id=f"{1:032x}", tag_id=f"{3:032x}"),
            joplin(5, 4, "plan.txt", file_extension="txt"),
            joplin(6, 9, ""),
            joplin(7, 1, "Secret", encryption_applied=1),
            joplin(8, 1, "Gone", deleted_time=1577934245000),
        ]
    )
    items[f"resources/{5:032x}.txt"] = b"Meet at five."
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in items.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    for kept, name, content in ((1, "a.jex", buffer.getvalue()), (0, "raw.zip", zipped(dict(items)))):
        result = given(owner, name, content)
        assert result.kept == kept
        told = " ".join(result.left_out)
        for words in (
            "Secret: encrypted by Joplin.",
            "Gone: it was in the trash.",
            "not a note",
            "3 items",
        ):
            assert words in told
    note = Note.objects.of(owner).get()
    assert note.text == f"# Tea\n\nwith ![](:/{5:032x})\n\n#Kitchen #hot"
    assert note.created == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert [attachment.name for attachment in Attachment.objects.all()] == ["plan.txt"]


def test_standard_notes(owner: User) -> None:
    def item(kind: str, key: str, **content: object) -> dict[str, object]:
        return {"uuid": key, "content_type": kind, "created_at": "2020-01-02T03:04:05.000Z", "content": content}

    app = {"org.standardnotes.sn": {"pinned": True, "client_updated_at": "2020-02-03T03:04:05.000Z"}}
    rich = {"root": {"children": [{"type": "paragraph", "children": [{"type": "text", "text": "rich words"}]}]}}
    backup = {
        "version": "004",
        "items": [
            item("Note", "1", title="Tea", text="hot", appData=app),
            item("Note", "2", title="Old", text="x", trashed=True),
            item("Note", "4", title="Super", text=json.dumps(rich), noteType="super"),
            item("Tag", "3", title="kitchen", references=[{"uuid": "1", "content_type": "Note"}]),
            {"uuid": "5", "content_type": "Note", "content": "004:abc", "enc_item_key": "x"},
        ],
    }
    files = {"Standard Notes Backup and Import File.txt": json.dumps(backup), "Items/Note/Tea-1.txt": "hot"}
    result = taken_in(owner, zipped(files))
    assert texts(owner) == {"# Tea\n\nhot\n\n#kitchen", "# Super\n\nrich words"}
    assert Note.objects.of(owner).get(pinned=True).changed == datetime(2020, 2, 3, 3, 4, 5, tzinfo=UTC)
    told = " ".join(result.left_out)
    assert "Old: it was in the trash." in told
    assert "5: encrypted by Standard Notes" in told
    assert "1 items of the type Tag" in told


def test_what_was_brought_in_twice_is_there_once(owner: User) -> None:
    for kept in (1, 0):
        assert taken_in(owner, (CASES / "title_in_name.zip").read_bytes()).kept == kept
