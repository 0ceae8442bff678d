"""Photos and files for the tests of the notebook, and how they are attached."""

import io
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from notes import attachments
from notes.models import Attachment, Note


def photo(kind: str = "JPEG", size: tuple[int, int] = (600, 400), **extra: Any) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, kind, **extra)
    return buffer.getvalue()


def with_metadata() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "CameraMaker"
    exif[0x0112] = 6  # lies on its side
    exif.get_ifd(0x8825)[1] = "N"  # a place
    return photo(exif=exif.tobytes(), comment=b"SecretComment", xmp=b"<x:xmpmeta>SecretXmp</x:xmpmeta>")


def attach_to(owner: User, note: Note, name: str = "plan.txt", content: bytes = b"Meet at five.") -> Attachment:
    result = attachments.attach(owner, note.pk, name, ContentFile(content))
    assert isinstance(result, Attachment), result
    return result


def at(attachment: Attachment, page: str = "attachment") -> str:
    return reverse(f"notes:{page}", args=[attachment.pk])


def send(client: Client, note: Note, *files: tuple[str, bytes], **more: Any) -> Any:
    data = {"file": [SimpleUploadedFile(name, content) for name, content in files]}
    return client.post(reverse("notes:attach", args=[note.pk]), data, **more)


def stored(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def exif(maker: str) -> bytes:
    made = Image.Exif()
    made[0x010F] = maker
    return made.tobytes()


def segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + (len(content) + 2).to_bytes(2) + content


def moving(kind: str, **extra: Any) -> bytes:
    """Three frames, red, green and blue; the second is seen for longer."""
    buffer = io.BytesIO()
    first, *others = [Image.new("RGB", (60, 40), colour) for colour in ("#f00", "#0f0", "#00f")]
    first.save(buffer, kind, save_all=True, append_images=others, duration=[100, 700, 100], loop=2, **extra)
    return buffer.getvalue()
