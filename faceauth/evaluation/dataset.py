"""The templates of a data set, computed on all cores. It can be stopped and continued.

A data set is a folder that has a folder of pictures for each person:

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
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from faceauth import images, vision
from faceauth.conf import conf
from faceauth.outcomes import Reason, Refusal
from faceauth.vision import Template

UNREADABLE = "unreadable"  # beside the reasons of a refusal: the file cannot be read

Result = Template | str
"""The template of a picture, or the reason why it has none."""

CHUNK = 16  # pictures handed to a process at a time: a third of a second's work


class NothingToMeasure(Exception):
    """The folder is not a data set; the message says what is missing."""


class StateUnusable(Exception):
    """The run cannot continue from this state file; the message says what to do."""


class Sample(NamedTuple):
    """A picture of a person. Persons are numbered from 0, in the order of their folders' names."""

    person: int
    path: Path


def samples_in(folder: Path) -> list[Sample]:
    """The pictures of a data set. Raises NothingToMeasure."""
    if not folder.is_dir():
        raise NothingToMeasure(f"{folder} is not a folder.")
    people = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    found = [
        Sample(number, path)
        for number, person in enumerate(people)
        for path in sorted(person.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]
    if not found:
        raise NothingToMeasure(f"{folder} holds no pictures: it should have a folder of pictures for each person.")
    return found


def template_of(path: Path) -> Result:
    """The template of the face nearest to the middle of a picture, decoded as at sign-in.

    Research sets label the person in the middle; the largest face may be somebody who walks past.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return UNREADABLE
    photo = images.read_photo(data)
    if isinstance(photo, Refusal):
        return str(photo.reason)
    with photo:
        height, width = photo.pixels.shape[:2]

        def distance(face: vision.Face) -> float:
            across = face.box.left + face.box.width / 2 - width / 2
            down = face.box.top + face.box.height / 2 - height / 2
            return float(np.hypot(across, down))

        faces = vision.find_faces(photo.pixels)
        return vision.template(photo.pixels, min(faces, key=distance)) if faces else str(Reason.NO_FACE)


def templates_of(
    samples: list[Sample],
    *,
    processes: int,
    state: "State | None" = None,
    progress: Callable[[int], object] = lambda done: None,
) -> list[Result]:
    """The result of each sample, in order. `progress` is told how many are done; what is done is kept in `state`.

    Raises StateUnusable.
    """
    done = state.read() if state else {}
    keys = [key_of(sample.path) for sample in samples]
    missing = {key: sample.path for key, sample in zip(keys, samples, strict=True) if key not in done}
    progress(len(keys) - len(missing))
    # Not forked: a copy of a process with threads can hang.
    with multiprocessing.get_context("spawn").Pool(processes, initializer=prepare_worker) as pool:
        results = zip(missing, pool.imap(template_of, missing.values(), chunksize=CHUNK), strict=True)
        for count, (key, result) in enumerate(results, len(keys) - len(missing) + 1):
            done[key] = result
            if state:
                state.add(key, result)
            progress(count)
    return [done[key] for key in keys]


def prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    vision.warm_up()


def key_of(path: Path) -> str:
    """Names a picture in its present state: a changed one has another key."""
    stat = path.stat()
    return f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"


def method() -> str:
    """A digest of what a template depends on: the models and the code that uses them."""
    digest = hashlib.sha256(json.dumps(vision.DIGESTS, sort_keys=True).encode())
    for module in (images, vision):
        digest.update(Path(module.__file__ or "").read_bytes())
    return digest.hexdigest()


class State:
    """A file of the results so far. Templates are biometric data, so each line is encrypted with ENCRYPTION_KEYS.

    Lines are only appended. A line that a crash cut off does not decrypt, and its picture is processed again.
    """

    def __init__(self, path: Path) -> None:
        if not conf().ENCRYPTION_KEYS:
            raise StateUnusable("FACEAUTH['ENCRYPTION_KEYS'] is empty: templates are only stored encrypted.")
        self.path = path
        self.cipher = MultiFernet([Fernet(key) for key in conf().ENCRYPTION_KEYS])
        self.method = method()

    def read(self) -> dict[str, Result]:
        """The results by `key_of` the picture. Creates the file where there is none. Raises StateUnusable."""
        try:
            self.path.touch(mode=0o600)
            lines = self.path.read_bytes().splitlines(keepends=True)
        except OSError as error:
            raise StateUnusable(f"{self.path} cannot be used ({error.strerror}): name another file.") from error
        done: dict[str, Result] = {}
        whole = 0
        for line in lines:
            try:
                made, key, value = json.loads(self.cipher.decrypt(line[:-1]))
            except InvalidToken:
                break
            if made != self.method:
                raise StateUnusable(f"{self.path} holds templates that an older version made: delete it.")
            whole += len(line)
            done[key] = value if isinstance(value, str) else np.frombuffer(b64decode(value[0]), np.float32)
        if lines and not done:
            raise StateUnusable(
                f"{self.path} is not a state file, or is encrypted with a key that ENCRYPTION_KEYS does not hold:"
                " name another file."
            )
        os.truncate(self.path, whole)
        return done

    def add(self, key: str, result: Result) -> None:
        value = result if isinstance(result, str) else [b64encode(result.tobytes()).decode()]
        with self.path.open("ab") as file:
            file.write(self.cipher.encrypt(json.dumps([self.method, key, value]).encode()) + b"\n")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
