"""What keeping the odds costs those who belong here: `python -m benchmarks.visitors FOLDER --labels FILE`.

What becomes of genuine visitors at the door as it is, by the number of people, of the pictures that they are known by,
and of those that they show. docs/measurements/recognition.md has the figures.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import django
import numpy as np

from faceauth.vision import quality_gate, similarity

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secretly.settings")
django.setup()

from django.conf import settings  # noqa: E402

from benchmarks.people import Floats, Set, mean_of, parser, read_as_told  # noqa: E402
from faceauth.conf import conf  # noqa: E402
from faceauth.policy import thresholds  # noqa: E402

SEED = 19795
DRAWS = 5  # of pictures to enrol and frames to show
PEOPLE = (1, 10, 30, 100, 160, 300, 1000)


@contextmanager
def threshold_of(value: float | str) -> Iterator[None]:
    """The site's own settings, with this threshold."""
    before = settings.FACEAUTH
    settings.FACEAUTH = {**before, "THRESHOLD": value}
    conf.cache_clear()
    try:
        yield
    finally:
        settings.FACEAUTH = before
        conf.cache_clear()


def door(
    these: Set,
    looks: int,
    frames: int,
    wanted: Sequence[tuple[int, thresholds.Requirement]],
    apart: Callable[[float, float], bool] = thresholds.apart,
) -> Iterator[dict[str, float]]:
    """What becomes of genuine visitors in collections of so many people with so many looks each, for each wanted.

    Only people with enough pictures come; the rest of the collection is others, with one picture where they have no
    more. `wrong` is another's notebook; `unclear` asks for another picture, which is not the fate of a stranger.
    """
    random = np.random.default_rng(SEED)
    counts = [dict.fromkeys(OUTCOMES, 0) for _ in wanted]
    able = np.flatnonzero(these.counts >= looks + frames)
    for _ in range(DRAWS):
        taken = [random.permutation(these.of(person))[: looks + 3] for person in range(len(these.names))]
        faces = [these.templates[one[:looks]] for one in taken]
        starts = np.cumsum([0, *(len(one) for one in faces[:-1])])
        flat, vectors = np.concatenate(faces), np.stack([mean_of(one) for one in faces])
        for person in able:
            rest = taken[person][looks:]
            near = np.argsort(-(these.templates[rest] @ these.templates[rest[0]]))[:frames]
            shown = these.templates[rest[near]].T
            unclear = (these.lengths[rest[near]] < quality_gate.ENROLMENT.length).all()
            each = np.maximum(vectors @ shown, np.maximum.reduceat(flat @ shown, starts)).astype(np.float64)
            crowd = np.append(person, random.permutation(np.delete(np.arange(len(these.names)), person)))
            for (people, needed), count in zip(wanted, counts, strict=True):
                came = outcome(each[crowd[:people], : needed.frames], needed, apart)
                count["unclear" if came == "stranger" and unclear else came] += 1
    for count in counts:
        yield {name: times / (len(able) * DRAWS) for name, times in count.items()}


OUTCOMES = ("opened", "near_match", "unclear", "ambiguous", "stranger", "wrong")


def outcome(
    each: Floats, needed: thresholds.Requirement, apart: Callable[[float, float], bool] = thresholds.apart
) -> str:
    """As `people.decide` for the cosines of people (rows; the first is who stands there) to frames (columns)."""
    least = similarity.to_cosine(needed.near_match)
    found = each >= least
    rows = np.flatnonzero(found.any(axis=1))
    scores = {row: float(similarity.from_cosine(np.where(found[row], each[row], least).mean())) for row in rows}
    order = sorted(scores, key=lambda row: -scores[row])
    over = [row for row in order if scores[row] >= needed.threshold]
    if not over:
        return "near_match" if order else "stranger"
    if len(over) > 1 and not apart(scores[over[0]], scores[over[1]]):
        return "ambiguous"
    if not found[over[0]].all():
        return "near_match"
    return "wrong" if over[0] else "opened"


def main() -> None:
    show(read_as_told(parser("benchmarks.visitors", __doc__.split("\n")[0]).parse_args()))


def show(these: Set) -> None:
    print("\n| known by | shown | people | similarity | frames | second factor | " + " | ".join(OUTCOMES) + " |")
    print("| --- " * (6 + len(OUTCOMES)) + "|")
    for looks, frames in ((1, 1), (1, 3), (3, 1), (3, 3)):
        with threshold_of(thresholds.AUTO):
            wanted = [(people, thresholds.requirement(people, frames, people * looks)) for people in PEOPLE]
        for (people, needed), share in zip(wanted, door(these, looks, frames, wanted), strict=True):
            row = (looks, frames, people, f"{needed.threshold:.2f}", needed.frames, "yes" if needed.lock else "")
            cells = [*map(str, row), *(f"{100 * share[name]:.2f} %" for name in OUTCOMES)]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
