"""From a folder of people's folders to templates, on all cores; it can be stopped and continued.

FOLDER/Ada_Lovelace/1.jpg
FOLDER/Ada_Lovelace/2.jpg
FOLDER/Alan_Turing/1.jpg
"""

import hashlib
import json
import multiprocessing
import os
import signal
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from faceauth import images, vision
from faceauth.conf import conf
from faceauth.outcomes import Reason, Refusal
from faceauth.vision import Template

UNREADABLE = "unreadable"  # beside the reasons of a refusal: the file itself could not be read

Result = Template | str
"""What came of a picture: its template, or why it has none."""


class NothingToMeasure(Exception):
    """The folder is not one of people's folders; the message says what is missing."""


class StateUnusable(Exception):
    """The state file cannot be continued from; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """A picture of a person, and who it is: a number from 0, in the order of their folders' names."""

    person: int
    path: Path


def specimens_in(folder: Path) -> list[Specimen]:
    """The pictures of a folder of people's folders. Raises NothingToMeasure."""
    if not folder.is_dir():
        raise NothingToMeasure(f"{folder} is not a folder.")
    people = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    found = [
        Specimen(person, path)
        for person, home in enumerate(people)
        for path in sorted(home.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]
    if not found:
        raise NothingToMeasure(
            f"{folder} holds no pictures: it should have a folder for each person, with theirs in it."
        )
    return found


# One picture ----------------------------------------------------------------------------------------------------------


def look_at(path: Path) -> Result:
    """The template of the face nearest to the middle of a picture, made as at the door, or why there is none."""
    try:
        data = path.read_bytes()
    except OSError:
        return UNREADABLE
    photo = images.read_photo(data)
    if isinstance(photo, Refusal):
        return str(photo.reason)
    with photo:
        faces = vision.find_faces(photo.pixels)
        if not faces:
            return str(Reason.NO_FACE)
        return vision.template(photo.pixels, min(faces, key=distance_from_middle_of(photo.pixels)))


def distance_from_middle_of(pixels: vision.Pixels) -> Callable[[vision.Face], float]:
    """Research sets label the person in the middle; the largest face may be somebody who walks past."""
    height, width = pixels.shape[:2]

    def distance(face: vision.Face) -> float:
        across = face.box.left + face.box.width / 2 - width / 2
        down = face.box.top + face.box.height / 2 - height / 2
        return float(np.hypot(across, down))

    return distance


# All of them ----------------------------------------------------------------------------------------------------------

CHUNK = 16  # pictures handed to a process at a time: a third of a second's work
KEEP_EVERY = 64  # pictures between two writes of the state: what a crash may cost


def look_at_all(
    specimens: list[Specimen], *, processes: int, state: "State | None" = None, progress: Callable[[int], None]
) -> list[Result]:
    """What came of each specimen, in their order. `progress` is told how many are done.

    When interrupted, what was done is in the state. Raises StateUnusable.
    """
    done = state.read() if state else {}
    keys = [key_of(specimen.path) for specimen in specimens]
    missing = {key: specimen.path for key, specimen in zip(keys, specimens, strict=True) if key not in done}
    total = len(done.keys() & set(keys))
    progress(total)
    with ExitStack() as stack:
        if state:
            stack.callback(state.flush)
        for key, result in zip(missing, stack.enter_context(Workers(processes)).run(missing.values()), strict=True):
            done[key] = result
            if state:
                state.add(key, result)
            total += 1
            progress(total)
    return [done[key] for key in keys]


class Workers:
    """Processes that look at pictures. They leave Ctrl-C to their parent."""

    def __init__(self, processes: int) -> None:
        # Not forked: a copy of a process with threads (NumPy's, a server's) can hang.
        self.pool = multiprocessing.get_context("spawn").Pool(processes, initializer=prepare_worker)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *exception: object) -> None:
        self.pool.terminate()
        self.pool.join()

    def run(self, paths: Iterable[Path]) -> Iterator[Result]:
        return self.pool.imap(look_at, paths, chunksize=CHUNK)


def prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    vision.warm_up()


def key_of(path: Path) -> str:
    """Names a picture as it is now: changed, it is another one."""
    stat = path.stat()
    return f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"


# What is kept in between ----------------------------------------------------------------------------------------------


def way_of_making() -> str:
    """A digest of all that a template depends on: the models and the code that uses them."""
    digest = hashlib.sha256(json.dumps(vision.DIGESTS, sort_keys=True).encode())
    for module in (images, vision):
        digest.update(Path(module.__file__ or "").read_bytes())
    return digest.hexdigest()


class State:
    """A file of templates made so far. They are biometric data: each line is encrypted with ENCRYPTION_KEYS.

    The file only grows, a line for every few pictures, so that it is whole at any moment: a line that was cut off by a
    crash does not open, and its pictures are looked at again.
    """

    def __init__(self, path: Path) -> None:
        if not conf().ENCRYPTION_KEYS:
            raise StateUnusable("FACEAUTH['ENCRYPTION_KEYS'] is empty: templates are only kept encrypted.")
        self.path = path
        self.cipher = MultiFernet([Fernet(key) for key in conf().ENCRYPTION_KEYS])
        self.waiting: dict[str, str | list[str]] = {}

    def read(self) -> dict[str, Result]:
        """What the file holds, by `key_of` the picture; the file is made where there is none. Raises StateUnusable."""
        try:
            self.path.touch(mode=0o600)
            lines = self.path.read_bytes().split(b"\n")
        except OSError as error:
            raise StateUnusable(f"{self.path} cannot be used ({error.strerror}): name another file.") from error
        if lines == [b""]:
            self.append({"made": way_of_making()})
            return {}
        self.check_first(lines[0])
        done: dict[str, Result] = {}
        whole = len(lines[0]) + 1
        for line in lines[1:-1]:
            try:
                entries = json.loads(self.cipher.decrypt(line))
            except InvalidToken:
                break
            whole += len(line) + 1
            done |= {key: opened(value) for key, value in entries.items()}
        os.truncate(self.path, whole)
        return done

    def check_first(self, line: bytes) -> None:
        try:
            made = json.loads(self.cipher.decrypt(line)).get("made")
        except InvalidToken as error:
            raise StateUnusable(
                f"{self.path} is not a state file, or was encrypted with a key that ENCRYPTION_KEYS does not hold:"
                " name another file."
            ) from error
        if made != way_of_making():
            raise StateUnusable(
                f"{self.path} holds templates that were made in another way, by an older version: delete it."
            )

    def add(self, key: str, result: Result) -> None:
        self.waiting[key] = result if isinstance(result, str) else [b64encode(result.tobytes()).decode()]
        if len(self.waiting) >= KEEP_EVERY:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.append(self.waiting)
            self.waiting = {}

    def append(self, entries: dict[str, str | list[str]] | dict[str, str]) -> None:
        with self.path.open("ab") as file:
            file.write(self.cipher.encrypt(json.dumps(entries).encode()) + b"\n")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def opened(value: str | list[str]) -> Result:
    return value if isinstance(value, str) else np.frombuffer(b64decode(value[0]), np.float32)
