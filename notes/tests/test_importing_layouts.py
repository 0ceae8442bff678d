"""Exports as other notebooks really lay them out, with all that lies beside the notes."""

import base64
import io
import json
import tarfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings

from notes import importing
from notes.importing import Result
from notes.models import Attachment, Note
from notes.tests.files import photo
from notes.tests.zips import taken_in, texts, zipped

pytestmark = pytest.mark.django_db

JPEG = photo()
HEX = "1f2e3d4c5b6a79881f2e3d4c5b6a7988"


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def brought(owner: User, name: str, content: bytes) -> Result:
    result = importing.import_files(owner, [SimpleUploadedFile(name, content)])
    assert isinstance(result, Result), result
    return result


@pytest.mark.parametrize("folder", ["Takeout/Keep", "Takeout/Google Notizen", "Takeout/Google Keep", "حزمة/Keep"])
def test_takeout_in_any_language(owner: User, folder: str) -> None:
    usec = {"userEditedTimestampUsec": 1700000000000000, "createdTimestampUsec": 1690000000000000}
    state = {"color": "DEFAULT", "isTrashed": False, "isPinned": False, "isArchived": False} | usec
    shopping = state | {
        "title": "Einkauf",
        "isPinned": True,
        "listContent": [
            {"textHtml": "<p>Milch</p>", "text": "Milch", "isChecked": True},
            {"text": "Brot", "isChecked": False},
        ],
        "labels": [{"name": "zu Hause"}],
        "sharees": [{"isOwner": True, "type": "WRITER", "email": "me@example.com"}],
    }
    link = {"description": "A page", "source": "WEBLINK", "title": "Rye", "url": "https://example.com/rye"}
    bread = state | {
        "textContent": "Bread\nwith rye",
        "textContentHtml": "<p>Bread</p>",
        "title": "",
        "isArchived": True,
        "annotations": [link],
        "attachments": [{"filePath": "18a.jpeg", "mimetype": "image/jpeg"}],
    }
    result = taken_in(
        owner,
        zipped(
            {
                "Takeout/archive_browser.html": "<html>",
                f"{folder}/Einkauf.json": json.dumps(shopping),
                f"{folder}/Einkauf.html": "<html>",
                f"{folder}/2023-11-14T22_13_20.000+01_00.json": json.dumps(bread),
                f"{folder}/2023-11-14T22_13_20.000+01_00.html": "<html>",
                f"{folder}/Gone.json": json.dumps(state | {"textContent": "gone", "isTrashed": True}),
                f"{folder}/Gone.html": "<html>",
                f"{folder}/18a.jpg": JPEG,
                f"{folder}/Labels.txt": "zu Hause\n",
            }
        ),
    )
    assert texts(owner) == {
        "# Einkauf\n\n- [x] Milch\n- [ ] Brot\n\n#zu-Hause",
        "Bread\nwith rye\n\n[Rye](https://example.com/rye)",
    }
    assert Note.objects.get(pinned=True).text.startswith("# Einkauf")
    assert (result.kept, result.attached) == (2, 1)
    assert "trash" in " ".join(result.left_out)


def test_evernote_with_tasks_and_recognised_text(owner: User) -> None:
    """Of version 10: tasks have titles and dates of their own, and pictures the text that was recognised in them."""
    data = base64.encodebytes(JPEG).decode()
    enex = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export4.dtd">
<en-export export-date="20231115T101010Z" application="Evernote" version="10.65.2">
  <note>
    <title>Garden &amp; house</title>
    <created>20230101T080000Z</created>
    <updated>20230202T080000Z</updated>
    <tag>green</tag>
    <note-attributes><author>Me</author><source>desktop.mac</source></note-attributes>
    <content><![CDATA[<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!DOCTYPE en-note SYSTEM "http://xml.evernote.com/pub/enml2.dtd"><en-note><div>Sow<br/></div>
<div><en-todo checked="true"/>peas</div><en-media hash="0123" type="image/jpeg"/></en-note>]]></content>
    <task>
      <title>Water the peas</title>
      <created>20230303T080000Z</created>
      <updated>20230404T080000Z</updated>
      <taskStatus>open</taskStatus>
      <reminder><created>20230303T080000Z</created></reminder>
    </task>
    <task><title>Buy soil</title><taskStatus>completed</taskStatus></task>
    <resource>
      <data encoding="base64">{data}</data>
      <mime>image/jpeg</mime><width>20</width><height>10</height>
      <recognition><![CDATA[<?xml version="1.0"?><!DOCTYPE recoIndex PUBLIC "x" "y"><recoIndex/>]]></recognition>
      <resource-attributes><file-name>peas.jpg</file-name><attachment>false</attachment></resource-attributes>
    </resource>
  </note>
</en-export>"""
    result = brought(owner, "My notes.enex", enex.encode())
    [note] = Note.objects.of(owner)
    assert note.text.startswith("# Garden & house\n\nSow")
    assert "- [x] peas" in note.text
    assert "- [ ] Water the peas\n- [x] Buy soil" in note.text
    assert note.text.endswith("#green")
    assert (note.created.year, note.created.month, note.changed.month) == (2023, 1, 2)
    assert [one.name for one in Attachment.objects.of(owner)] == ["peas.jpg"]
    assert result.kept == 1


def test_joplin_with_every_kind_of_item(owner: User) -> None:
    ids = {name: f"{n:032x}" for n, name in enumerate(["note", "folder", "tag", "link", "file", "revision"], 1)}
    times = "created_time: 2023-01-01T10:00:00.000Z\nupdated_time: 2023-02-02T10:00:00.000Z\nuser_created_time: "
    times += "2023-01-01T10:00:00.000Z\nuser_updated_time: 2023-02-02T10:00:00.000Z\n"
    rest = "encryption_cipher_text: \nencryption_applied: 0\nis_shared: 0\n"
    items = {
        "note": f"Sow\n\nPeas ![](:/{ids['file']})\n\nid: {ids['note']}\nparent_id: {ids['folder']}\n{times}"
        f"is_conflict: 0\nlatitude: 0.00000000\nis_todo: 0\ntodo_due: 0\ntodo_completed: 0\n{rest}markup_language: 1\n"
        "deleted_time: 0\ntype_: 1",
        "folder": f"Garden\n\nid: {ids['folder']}\n{times}{rest}parent_id: \nicon: \ntype_: 2",
        "tag": f"green\n\nid: {ids['tag']}\n{times}{rest}parent_id: \ntype_: 5",
        "link": f"id: {ids['link']}\nnote_id: {ids['note']}\ntag_id: {ids['tag']}\n{times}{rest}type_: 6",
        "file": f"peas.jpg\n\nid: {ids['file']}\nmime: image/jpeg\nfilename: \n{times}{rest}type_: 4",
        "revision": f"id: {ids['revision']}\nitem_id: {ids['note']}\nbody_diff: []\n{rest}type_: 13",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        files = {f"{ids[name]}.md": text.encode() for name, text in items.items()}
        for name, content in (files | {f"resources/{ids['file']}.jpg": JPEG}).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    result = brought(owner, "15_11_2023.jex", buffer.getvalue())
    [note] = Note.objects.of(owner)
    assert note.text.startswith("# Sow\n\nPeas")
    assert note.text.endswith("#Garden #green")
    assert (note.created.year, note.changed.month) == (2023, 2)
    assert [one.name for one in Attachment.objects.of(owner)] == ["peas.jpg"]
    assert "revision" in " ".join(result.left_out)


def test_standard_notes_with_its_folder_of_the_same_notes(owner: User) -> None:
    def item(kind: str, uuid: str, **content: object) -> dict[str, object]:
        made: dict[str, object] = {"content_type": kind, "uuid": uuid, "content": content}
        return made | {"created_at": "2023-01-01T10:00:00.000Z", "updated_at": "2023-02-02T10:00:00.000Z"}

    data = {"org.standardnotes.sn": {"client_updated_at": "2023-02-02T10:00:00.000Z", "pinned": True}}
    references = [{"content_type": "Note", "uuid": "n1"}]
    backup = {
        "version": "004",
        "items": [
            item("Note", "n1", title="Sow", text="peas", references=[], appData=data, noteType="plain-text"),
            item("Note", "n2", title="Gone", text="x", trashed=True, references=[], appData={}),
            item("Tag", "t1", title="green", references=references),
            item("SN|UserPreferences", "p1", references=[]),
            item("SN|ItemsKey", "k1", itemsKey="0" * 64, version="004"),
            item("SN|Component", "c1", name="Editor", package_info={}),
        ],
    }
    result = taken_in(
        owner,
        zipped(
            {
                "Standard Notes Backup and Import File.txt": json.dumps(backup, indent=2),
                "Items/Note/Sow-n1.txt": "peas",
                "Items/Note/Gone-n2.txt": "x",
                "Items/Tag/green-t1.txt": "{}",
                "Items/SN|UserPreferences/p1.txt": "{}",
                "Items/SN|ItemsKey/k1.txt": "{}",
                "Items/SN|Component/Editor-c1.txt": "{}",
            }
        ),
    )
    assert texts(owner) == {"# Sow\n\npeas\n\n#green"}
    assert Note.objects.get().pinned
    assert result.kept == 1
    assert result.left_out


def test_a_vault_of_obsidian(owner: User) -> None:
    result = taken_in(
        owner,
        zipped(
            {
                "Vault/.obsidian/app.json": "{}",
                "Vault/.obsidian/plugins/dataview/README.md": "# A manual",
                "Vault/.trash/Gone.md": "gone",
                "Vault/.git/HEAD": "ref",
                "Vault/Daily/2023-01-01.md": "Walked. ![[Pasted image 20230101.jpg|300]]",
                "Vault/Garden.md": "---\ntags:\n  - green\naliases: [Beds]\n---\nSee [[Daily/2023-01-01#Walk|there]]",
                "Vault/Board.canvas": '{"nodes": []}',
                "Vault/attachments/Pasted image 20230101.jpg": JPEG,
            }
        ),
    )
    assert len(texts(owner)) == result.kept == 2
    garden = next(text for text in texts(owner) if "Garden" in text)
    assert "#green" in garden
    assert result.attached == 1
    said = " ".join(result.left_out)
    assert ".obsidian" in said
    assert "Board.canvas" in said


def test_notion_in_parts(owner: User) -> None:
    part = zipped(
        {
            f"Garden {HEX}.md": f"# Garden\n\nCreated: October 1, 2023\nTags: green\n\n![](Garden%20{HEX}/bed.jpg)\n",
            f"Garden {HEX}/Sow {HEX[::-1]}.md": "# Sow\n\npeas",
            f"Garden {HEX}/bed.jpg": JPEG,
            f"Tasks {HEX}.csv": "Name,Done\nWater,No\n",
            f"Tasks {HEX}_all.csv": "Name,Done\nWater,No\n",
        }
    )
    result = taken_in(owner, zipped({f"ExportBlock-{HEX}-Part-1.zip": part}))
    assert {text.split("\n")[0] for text in texts(owner)} == {"# Garden", "# Sow"}
    assert (result.kept, result.attached) == (2, 1)
    assert HEX not in "".join(text.split("\n")[0] for text in texts(owner))
    assert "Tasks" in " ".join(result.left_out)
