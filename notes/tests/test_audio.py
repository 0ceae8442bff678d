"""Sounds on notes: told by their bytes, played in place, and given in parts."""

import io
import wave
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from notes import audio
from notes.models import Note
from notes.tests.files import at, attach_to

EBML = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm"
HDLR = b"hdlr" + bytes(8)


def silence() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(800))
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (EBML + b"\x86\x86A_OPUS", "audio/webm"),
        (EBML + b"\x86\x86A_OPUS\x86\x85V_VP8", None),
        (EBML.replace(b"webm", b"docs") + b"A_OPUS", None),
        (b"\0\0\0\x18ftypM4A " + HDLR + b"soun", "audio/mp4"),
        (b"\0\0\0\x18ftypisom" + HDLR + b"vide" + HDLR + b"soun", None),
        (b"\0\0\0\x18ftypisom", None),
        (b"OggS" + bytes(24) + b"OpusHead", "audio/ogg"),
        (b"OggS" + bytes(24) + b"\x80theora", None),
        (b"fLaC", "audio/flac"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xff\xff\xff", None),
        (b"\xff\xd8\xff\xe0", None),
        (b"<script>", None),
        (b"", None),
    ],
)
def test_what_the_bytes_say(data: bytes, kind: str | None) -> None:
    assert audio.sniff(data) == kind


def test_a_sound_is_played_in_place_whatever_its_name(own: Client, owner: User, note: Note) -> None:
    sound = attach_to(owner, note, "kettle.txt", silence())
    assert (
        f'<audio controls preload="none" src="{at(sound)}"'
        in own.get(reverse("notes:note", args=[note.pk])).content.decode()
    )
    answer = own.get(at(sound))
    assert (answer.headers["Content-Type"], answer.content) == ("audio/wav", silence())
    assert answer.headers["Content-Disposition"] == 'inline; filename="kettle.txt"'
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_is_only_called_a_sound_is_downloaded(own: Client, owner: User, note: Note) -> None:
    answer = own.get(at(attach_to(owner, note, "song.mp3", b"<script>alert(1)</script>")))
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_nobody_else_hears_it(strange: Client, client: Client, owner: User, note: Note) -> None:
    sound = attach_to(owner, note, "kettle.wav", silence())
    assert strange.get(at(sound), headers={"range": "bytes=0-"}).status_code == 404
    assert client.get(at(sound)).status_code == 302


@pytest.mark.parametrize(
    ("asked", "status", "told", "content"),
    [
        ("bytes=0-1", 206, "bytes 0-1/844", silence()[:2]),
        ("bytes=840-", 206, "bytes 840-843/844", silence()[840:]),
        ("bytes=840-9999", 206, "bytes 840-843/844", silence()[840:]),
        ("bytes=844-", 416, "bytes */844", b""),
        ("bytes=5-2", 416, "bytes */844", b""),
        ("bytes=0-1,4-5", 200, None, silence()),
        ("lines=1-2", 200, None, silence()),
    ],
)
def test_players_get_the_part_they_ask_for(
    own: Client, owner: User, note: Note, asked: str, status: int, told: str | None, content: bytes
) -> None:
    answer = own.get(at(attach_to(owner, note, "kettle.wav", silence())), headers={"range": asked})
    assert (answer.status_code, answer.headers.get("Content-Range"), answer.content) == (status, told, content)
    if status != 200:
        assert answer.headers["Content-Length"] == str(len(content))
