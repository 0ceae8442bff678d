"""What opens a notebook: it keeps the odds that one attempt of a stranger does under TARGET_FPIR.

The more people are enrolled, the likelier a stranger resembles one of them. So the threshold rises with their number,
as far as it was measured how rarely strangers reach it; from where the measurement ends, a second factor is required.
docs/odds.md has the formula, and docs/measurements/recognition.md what was measured.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceauth.conf import MAX_FRAMES, conf
from faceauth.models import Face
from faceauth.policy import population
from faceauth.policy.false_matches import COSINES, ONE, bounds, decades, fpir_of
from faceauth.policy.population import Population
from faceauth.rekognition import scale
from faceauth.vision import similarity

AUTO = "auto"
MOST_PEOPLE = 20_000_000  # of a collection of Rekognition's
ROUNDING = 1 + 1e-6  # odds that are this much above their limit are on it

# Up to here one picture is enough. Beyond it more than three of a hundred who belong here would not be recognised.
ONE_PICTURE = 99.0

# Amazon's advice for what a match opens. Its scale is its own and was not measured here, nor is that of a service at a
# URL which does not name ours: there the threshold is never lower, and the odds are those of the local scale, which is
# an assumption.
LEAST_ELSEWHERE = 99.0

# Half a decade of false match rate: so much closer somebody must come to be told apart from a second person, and so
# little below the threshold somebody is familiar. Between 80 and 90 that is 5 points of similarity, and on a scale that
# was not measured it is 5 points everywhere.
MARGIN = 0.5
POINTS = 5.0

# Of the strangers, who are asked to try once more before they are enrolled, because they are like somebody.
FAMILIAR_ODDS = 0.01


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an attempt must have to open a notebook."""

    threshold: float
    """The least similarity, 0 to 100."""
    frames: int
    """How many pictures are searched; the mean counts."""
    lock: bool
    """Whether the odds are kept only with a second factor."""
    odds: float
    """The chance that one attempt of a stranger is taken for somebody, 0 to 1, without a second factor."""
    near_match: float
    """From which similarity on somebody counts as nearly matched."""


def requirement(people: int, frames: int = 1, occasions: int | None = None) -> Requirement:
    """What opens a notebook where so many people are enrolled, and an attempt shows so many pictures, 1 to 3.

    `occasions` is on how many all of them together were; one each if it is not said.
    """
    here = Population(people, max(people, occasions or 0))
    given = conf().THRESHOLD
    if given != AUTO:
        threshold = float(given)
        return Requirement(threshold, 1, False, fpir_of(threshold, here), near_match_threshold(threshold, here))
    threshold = threshold_for(here)
    count = 1 if threshold <= ONE_PICTURE else max(1, min(frames, MAX_FRAMES))
    chance = fpir_of(threshold, here)
    above = chance > conf().TARGET_FPIR * ROUNDING
    return Requirement(threshold, count, above, chance, near_match_threshold(threshold, here))


# Where a scale was not measured, the threshold for the few people of one trusted device. AWS's samples and the original
# application use 90 to tell one person from a few.
LEAST_ON_DEVICE = 90.0


def on_device(users: Iterable[object]) -> float:
    """The least similarity to the people of one trusted device, given their primary keys: it follows their number.

    Nobody else is compared there, so the number of people neither raises it nor makes a second factor necessary.
    """
    if conf().THRESHOLD != AUTO:
        return float(conf().THRESHOLD)
    here = population.of_faces(Face.objects.filter(user_id__in=list(users)))
    threshold = measured_threshold(here if here.people else Population(1, 1))
    return threshold if is_measured() else max(threshold, LEAST_ON_DEVICE)


def current(frames: int = 1) -> Requirement:
    """What opens a notebook now: a threshold for everybody, and a second factor if those with a place are too many."""
    now = population.of()
    needed = requirement(now.people, frames, now.occasions)
    if not needed.lock:
        return needed
    here = population.placed()
    return replace(needed, lock=requirement(here.people, frames, here.occasions).lock)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The odds as they are, and when they change, for whoever runs the site."""

    people: int
    occasions: int
    limit: float
    """TARGET_FPIR."""
    photo: Requirement
    """For one photo."""
    liveness: Requirement
    """For a liveness check of three frames."""
    frames_from: int | None
    """From how many people on, with as many occasions each as now, one frame of a liveness check is not enough."""
    photo_mfa_from: int | None
    """From how many people on a photo needs a second factor."""
    liveness_mfa_from: int | None
    """And a liveness check."""
    is_measured: bool
    """Whether the odds are measured, or only assumed, since another scale answers at the endpoint."""

    @property
    def mfa_from(self) -> int | None:
        """From how many people on nobody signs in without a second factor, by the best way that the site has."""
        return self.photo_mfa_from if best_frames() == 1 else self.liveness_mfa_from


def outlook(collection_id: str | None = None) -> Outlook:
    now = population.of(collection_id)
    each = now.occasions / now.people if now.people else 1.0

    def first(frames: int, what: Callable[[Requirement], bool]) -> int | None:
        """From how many people on something is so; it stays so, as the odds only rise."""
        found = bisect_left(range(1, MOST_PEOPLE), True, key=lambda n: what(requirement(n, frames, round(n * each))))
        return found + 1 if found + 1 < MOST_PEOPLE else None

    return Outlook(
        people=now.people,
        occasions=now.occasions,
        limit=conf().TARGET_FPIR,
        photo=requirement(now.people, 1, now.occasions),
        liveness=requirement(now.people, MAX_FRAMES, now.occasions),
        frames_from=first(MAX_FRAMES, lambda it: it.frames > 1),
        photo_mfa_from=first(1, lambda it: it.lock),
        liveness_mfa_from=first(MAX_FRAMES, lambda it: it.lock),
        is_measured=is_measured(),
    )


def best_frames() -> int:
    """How many pictures the best way in shows: those of a liveness check, or one photo where none is asked for."""
    return 1 if conf().PHOTOS == "open" else MAX_FRAMES


def threshold_for(population: Population) -> float:
    """The least similarity that keeps the odds, or the end of what was measured where none does."""
    threshold = measured_threshold(population)
    return threshold if is_measured() else max(threshold, LEAST_ELSEWHERE)


def measured_threshold(population: Population) -> float:
    rate = 1 - (1 - conf().TARGET_FPIR) ** (1 / max(1, population.people))
    cosine = float(np.interp(-np.log(rate), -np.log(bounds(population)), COSINES))
    return float(similarity.from_cosine(cosine))


def is_measured() -> bool:
    """Whether similarities are known to be those of `faceauth.vision.similarity`."""
    return scale.is_own()


def combined(similarities: Sequence[float]) -> float:
    """The similarity of several frames together: that of the mean of their cosines."""
    return float(similarity.from_cosine(float(np.mean([similarity.to_cosine(one) for one in similarities]))))


def apart(higher: float, lower: float) -> bool:
    """Whether the first similarity is so much better that the second is surely somebody else's."""
    return decades(higher) - decades(lower) >= MARGIN if is_measured() else higher - lower >= POINTS


def near_match_threshold(threshold: float, population: Population) -> float:
    """The similarity from which on somebody is asked to try again, before they are offered a second, empty notebook.

    It is half a decade below the threshold, or as low as brings one stranger in a hundred there, and 80 at least.
    """
    if not is_measured():
        return max(threshold - POINTS, 0.0)
    rare = min(decades(threshold) - MARGIN, np.log10(max(1, population.people) / FAMILIAR_ODDS))
    below = float(similarity.from_cosine(float(np.interp(rare, -np.log10(list(ONE.values())), COSINES))))
    return min(threshold, below)
