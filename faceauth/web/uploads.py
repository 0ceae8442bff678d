"""The pictures in a request: a chosen file, a data URL from the camera, or the frames of a liveness check.

They stay in memory.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from faceauth.conf import MAX_FRAMES, conf
from faceauth.liveness import sessions
from faceauth.liveness.requests import Kind
from faceauth.models import SignIn
from faceauth.outcomes import Reason, Refusal
from faceauth.policy import quick_checks
from faceauth.vision.photos import MAX_BYTES, Photo, read_photo
from privatekit.uploads import Limits

DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,32};base64,", re.IGNORECASE)


# The fields that pictures come in as files, and how many bytes of them are kept in memory.
LIMITS = Limits(each=MAX_BYTES, together=MAX_BYTES, fields=frozenset({"file", "frame"}))


LIVE = {SignIn.Method.LIVENESS, SignIn.Method.QUICK}


@dataclass(frozen=True, slots=True)
class Pictures:
    """What a person wants to be recognised by: one to three photos of them, or why they cannot be used."""

    photos: Sequence[Photo] | Refusal
    method: str
    """A `SignIn.Method`."""


@contextmanager
def pictures_in(request: HttpRequest) -> Iterator[Pictures]:
    """The frames of a liveness check that was passed in this session, or one photo, where those are allowed.

    The photos are closed at the end of the block.
    """
    pictures = frames_of_check(request) or one_photo(request)
    if pictures.method not in LIVE and conf().PHOTOS == "never":
        close(pictures)
        pictures = Pictures(Refusal(Reason.LIVENESS_REQUIRED), pictures.method)
    try:
        yield pictures
    finally:
        close(pictures)


def close(pictures: Pictures) -> None:
    for photo in () if isinstance(pictures.photos, Refusal) else pictures.photos:
        photo.close()


@sensitive_variables()
def frames_of_check(request: HttpRequest) -> Pictures | None:
    """None where the form has no frames."""
    frames = frames_in(request)
    if frames is None:
        return None
    passed = sessions.redeem(request.session, frames) if isinstance(frames, list) else frames
    if isinstance(passed, Refusal):
        return Pictures(passed, SignIn.Method.LIVENESS)
    if passed.kind == Kind.FULL:
        return Pictures(passed.photos, SignIn.Method.LIVENESS)
    pictures = Pictures(passed.photos, SignIn.Method.QUICK)
    if quick_checks.is_enough(passed.kind, request):
        return pictures
    close(pictures)
    return Pictures(Refusal(Reason.LIVENESS_REQUIRED), SignIn.Method.QUICK)


@sensitive_variables()
def one_photo(request: HttpRequest) -> Pictures:
    picture, method = picture_in(request)
    photo = read_photo(picture) if isinstance(picture, bytes) else picture
    return Pictures(photo if isinstance(photo, Refusal) else [photo], method)


@sensitive_variables()
def picture_in(request: HttpRequest) -> tuple[bytes | Refusal, SignIn.Method]:
    """The bytes of the one picture in the form, and how it came."""
    chosen = request.FILES.getlist("file")
    frames = [frame for frame in request.POST.getlist("image") if frame]
    method = SignIn.Method.CAMERA if frames and not chosen else SignIn.Method.FILE
    if len(chosen) + len(frames) != 1:
        return Refusal(Reason.NOT_AN_IMAGE), method
    if frames:
        return from_data_url(frames[0]), method
    if (chosen[0].size or 0) > MAX_BYTES:
        return Refusal(Reason.TOO_LARGE), method
    return chosen[0].read(), method


@sensitive_variables()
def frames_in(request: HttpRequest) -> list[bytes] | Refusal | None:
    """The bytes of the frames that a liveness check ended on, one to three; None where the form has none."""
    urls = [url for url in request.POST.getlist("frame") if url]  # where no file was given the field is empty text
    files = request.FILES.getlist("frame")
    if not urls and not files:
        return None
    if len(urls) + len(files) > MAX_FRAMES:
        return Refusal(Reason.NOT_AN_IMAGE)
    frames = [file.read() for file in files]
    for url in urls:
        frame = from_data_url(url)
        if isinstance(frame, Refusal):
            return frame
        frames.append(frame)
    return frames


@sensitive_variables()
def from_data_url(url: str) -> bytes | Refusal:
    """The content of a base64 data URL of a picture (RFC 2397)."""
    head = DATA_URL.match(url)
    if head is None:
        return Refusal(Reason.NOT_AN_IMAGE)
    if len(url) - head.end() > (MAX_BYTES + 2) // 3 * 4:
        return Refusal(Reason.TOO_LARGE)
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        return Refusal(Reason.NOT_AN_IMAGE)
