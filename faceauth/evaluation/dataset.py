"""The templates of a data set, computed on all cores.

A data set is a folder that has a folder of pictures for each person:

FOLDER/Ada_Lovelace/1.jpg
FOLDER/Ada_Lovelace/2.jpg
FOLDER/Alan_Turing/1.jpg
"""

import multiprocessing
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from faceauth.outcomes import Reason, Refusal
from faceauth.vision import alignment, faces, networks, photos
from faceauth.vision.networks import Template

UNREADABLE = "unreadable"  # beside the reasons of a refusal: the file cannot be read

Result = Template | str
"""The template of a picture, or the reason why it has none."""

CHUNK = 16  # pictures handed to a process at a time: a third of a second's work


class NothingToMeasure(Exception):
    """The folder is not a data set; the message says what is missing."""


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
    """The template of the face that a picture is meant to show, decoded as at sign-in."""
    try:
        data = path.read_bytes()
    except OSError:
        return UNREADABLE
    photo = photos.read_photo(data)
    if isinstance(photo, Refusal):
        return str(photo.reason)
    with photo:
        face = face_in_the_middle(photo.pixels)
        return face.template if face else str(Reason.NO_FACE)


def face_in_the_middle(pixels: alignment.Pixels) -> faces.Face | None:
    """The face nearest to the middle of a picture.

    Research sets label the person in the middle; the largest face may be somebody who walks past.
    """
    height, width = pixels.shape[:2]

    def distance(face: faces.Face) -> float:
        across = face.box.left + face.box.width / 2 - width / 2
        down = face.box.top + face.box.height / 2 - height / 2
        return float(np.hypot(across, down))

    return min(faces.find_faces(pixels), key=distance, default=None)


def templates_of(
    samples: list[Sample], *, processes: int, progress: Callable[[int], object] = lambda done: None
) -> list[Result]:
    """The result of each sample, in order. `progress` is told how many are done."""
    results = []
    # Not forked: a copy of a process with threads can hang.
    with multiprocessing.get_context("spawn").Pool(processes, initializer=prepare_worker) as pool:
        for result in pool.imap(template_of, [sample.path for sample in samples], chunksize=CHUNK):
            results.append(result)
            progress(len(results))
    return results


def prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    networks.warm_up()
