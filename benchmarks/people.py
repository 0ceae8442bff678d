"""A folder of people's folders as what the measurements of recognition need: templates, raw lengths, and who is who."""

import copy
import multiprocessing
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from os import sched_getaffinity
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceauth.evaluation import dataset, labels
from faceauth.evaluation.labels import Labels
from faceauth.outcomes import Refusal
from faceauth.vision import mean_template, networks, photos

Templates = NDArray[np.float32]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Picture(NamedTuple):
    vector: Templates
    """(128,): the raw vector of the face nearest to the middle."""
    mirrored: Templates
    """The same of the mirrored face."""


class Set:
    """Pictures of people: `owners` says whose each of them is, `names` who that is."""

    def __init__(
        self,
        pictures: Sequence[Picture],
        owners: Sequence[int],
        names: Sequence[str] = (),
        relatives: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.vectors = np.stack([one.vector for one in pictures])
        self.raw_mirrored = np.stack([one.mirrored for one in pictures])
        self.lengths = np.linalg.norm(self.vectors, axis=1)
        self.plain = unit(self.vectors)
        """Of unit length, with the mean in them."""
        self.templates = mean_template.centred(self.plain, networks.mean())
        self.mirrored = mean_template.centred(unit(self.raw_mirrored), networks.mean())
        self.owners = np.asarray(owners)
        self.counts = np.bincount(self.owners)
        self.names = list(names) or [str(one) for one in range(len(self.counts))]
        self.relatives = {(min(pair), max(pair)) for pair in relatives}

    def of(self, person: int | np.integer[Any]) -> Indices:
        return np.flatnonzero(self.owners == person)


def part(these: Set, kept: NDArray[np.bool_]) -> Set:
    """The set of these pictures alone."""
    made = copy.copy(these)
    people, made.owners = np.unique(these.owners[kept], return_inverse=True)
    made.templates, made.lengths = these.templates[kept], these.lengths[kept]
    made.counts = np.bincount(made.owners)
    places = {int(person): place for place, person in enumerate(people)}
    made.relatives = {(places[a], places[b]) for a, b in these.relatives if a in places and b in places}
    return made


def missed(these: Set, cosine: float) -> float:
    """How often two pictures of one person fall short, each person counting once."""
    shares = []
    for person in np.flatnonzero(these.counts >= 2):
        own = these.templates[these.of(person)]
        shares.append(float(((own @ own.T)[np.triu_indices(len(own), 1)] < cosine).mean()))
    return float(np.mean(shares))


def unit(vectors: Templates) -> Templates:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def mean_of(templates: Templates) -> Templates:
    """As the local service makes the vector of several faces."""
    return unit(templates.sum(axis=0))


def look_at(path: Path) -> Picture | None:
    photo = photos.read_photo(path.read_bytes())
    if isinstance(photo, Refusal):
        return None
    with photo:
        face = dataset.face_in_the_middle(photo.pixels)
        if face is None:
            return None
        return Picture(face.vector, networks.embed(np.ascontiguousarray(face.crop[:, ::-1])))


def read(folder: Path, known: Labels, processes: int) -> Set:
    """Raises as `dataset.samples_in`. Templates stay in memory alone, so each run makes them anew."""
    found = labels.applied(dataset.samples_in(folder), known)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        made = pool.map(look_at, [one.path for one in found], chunksize=16)
    used = [(one, picture) for one, picture in zip(found, made, strict=True) if picture is not None]
    people = sorted({one.person for one, _ in used})
    places = {person: place for place, person in enumerate(people)}
    names = {places[one.person]: labels.name_of(one, known) for one, _ in used}
    relatives = labels.related([one for one, _ in used], known)
    return Set(
        [picture for _, picture in used],
        [places[one.person] for one, _ in used],
        [names[place] for place in range(len(people))],
        [(places[one], places[other]) for one, other in relatives],
    )


def parser(name: str, about: str) -> ArgumentParser:
    made = ArgumentParser(prog=name, description=about)
    made.add_argument("folder", type=Path)
    made.add_argument("--labels", type=Path, help="what is known to be wrong with the pictures, as for calibrate")
    made.add_argument("--processes", type=int, default=len(sched_getaffinity(0)))
    return made


def read_as_told(arguments: Namespace) -> Set:
    known = labels.read(arguments.labels) if arguments.labels else Labels()
    return read(arguments.folder, known, arguments.processes)
