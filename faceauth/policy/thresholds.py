"""The odds that one attempt of a stranger opens somebody's notebook, and what keeps them under TARGET_FPIR.

The more people are enrolled, the likelier a stranger resembles one of them. So the threshold rises with their number,
as far as it was measured how rarely strangers reach it; from where the measurement ends, a second factor is required.
docs/odds.md has the formula and all measurements.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from django.core.cache import cache
from django.db.models import CharField, Count, QuerySet
from django.db.models.functions import Cast, Concat, TruncMinute
from numpy.typing import NDArray

from faceauth.cache import from_cache, put, recall
from faceauth.conf import MAX_FRAMES, conf
from faceauth.models import Face, PhotoLogin
from faceauth.vision import similarity

AUTO = "auto"


ROUNDING = 1 + 1e-6  # odds that are this much above their limit are on it


# How often a picture of one person reaches a cosine to another person, at most, relatives apart and each pair of people
# counted once: the upper end of the 95 % interval of one picture with one, times what three frames of one occasion
# instead of one picture make of it, 2.3. At the last none of the pairs matches, even at much less.
ONE: dict[float, float] = {
    0.2903: 2.3e-3,
    0.3213: 7.3e-4,
    0.3502: 2.6e-4,
    0.3768: 9.2e-5,
    0.4027: 3.2e-5,
    0.4200: 1.8e-5,
    0.4400: 7.2e-6,
    0.4600: 4.0e-6,
    0.4800: 2.4e-6,
    0.5000: 1.2e-6,
    0.5200: 9.9e-7,
    0.5400: 6.3e-7,
    0.5650: 2.7e-7,
}

# The same where the other is known by pictures of several occasions, two to ten: the best of them or their mean.
SEVERAL: dict[float, float] = {
    0.2903: 3.1e-3,
    0.3213: 1.1e-3,
    0.3502: 3.8e-4,
    0.3768: 1.4e-4,
    0.4027: 5.0e-5,
    0.4200: 2.2e-5,
    0.4400: 1.1e-5,
    0.4600: 6.0e-6,
    0.4800: 2.5e-6,
    0.5000: 1.4e-6,
    0.5200: 1.0e-6,
    0.5400: 9.9e-7,
    0.5650: 6.2e-7,
}
COSINES = np.array(list(ONE))
LEAST_RATE = min(ONE.values())
"""Where the measurement ends: so many pairs of people there are that even none found says no less."""


# Up to here one picture is enough. Beyond it more than three of a hundred who belong here would not be recognised.
ONE_PICTURE = 99.0


# Amazon's advice for what a match opens. Its scale is its own and was not measured here, nor is it known what answers
# at a URL: there the threshold is never lower, and the odds are those of the local scale, which is an assumption.
LEAST_ELSEWHERE = 99.0


# Half a decade of false match rate: so much closer somebody must come to be told apart from a second person, and so
# little below the threshold somebody is familiar. Between 80 and 90 that is 5 points of similarity, and on a scale that
# was not measured it is 5 points everywhere.
MARGIN = 0.5


POINTS = 5.0


# Of the strangers, who are asked to try once more before they are remembered, because they look familiar.
FAMILIAR_ODDS = 0.01


class Population(NamedTuple):
    """Who is enrolled: people, and on how many occasions all of them together were.

    The frames of a liveness check are of one occasion: they show too much of the same to count as more than one.
    """

    people: int
    occasions: int

    @property
    def share(self) -> float:
        """The share of the people, at most, who are known by pictures of several occasions."""
        return min(1.0, (self.occasions - self.people) / max(1, self.people))


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an attempt must have to open a notebook."""

    threshold: float
    """The least similarity, 0 to 100."""
    frames: int
    """How many pictures are searched; the mean counts."""
    lock: bool
    """Whether the odds are only kept with a second factor."""
    odds: float
    """The chance that one attempt of a stranger is taken for somebody, 0 to 1, without a second factor."""
    near_match: float
    """From which similarity on somebody looks familiar."""


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

    Nobody else is compared there, so a crowd neither raises it nor makes a second factor necessary.
    """
    if conf().THRESHOLD != AUTO:
        return float(conf().THRESHOLD)
    here = population_of(Face.objects.filter(user_id__in=list(users)))
    threshold = measured_threshold(here if here.people else Population(1, 1))
    return threshold if is_measured() else max(threshold, LEAST_ON_DEVICE)


def current(frames: int = 1) -> Requirement:
    """What opens a notebook now: a threshold for everybody, and a second factor if those who count are too many."""
    now = population()
    needed = requirement(now.people, frames, now.occasions)
    here = counted() if needed.lock else now
    return replace(needed, lock=requirement(here.people, frames, here.occasions).lock) if needed.lock else needed


def best_frames() -> int:
    """How many pictures the best way in shows: those of a look, or one photo where nobody is asked for a look."""
    return 1 if conf().PHOTOS == "open" else MAX_FRAMES


def as_words(odds: float) -> str:
    """`1 in 12,000`."""
    return f"1 in {1 / odds:,.0f}" if odds else "none"


def fpir_of(threshold: float, population: Population) -> float:
    """The chance that a stranger reaches this similarity with anybody, 0 to 1."""
    cosine = similarity.to_cosine(threshold)
    rate = 1.0 if cosine < COSINES[0] else float(np.exp(np.interp(cosine, COSINES, np.log(bounds(population)))))
    return float(1 - (1 - rate) ** population.people)


def bounds(population: Population) -> NDArray[np.float64]:
    """How often a stranger reaches each of COSINES with an average person, at most."""
    one, several = np.array(list(ONE.values())), np.array(list(SEVERAL.values()))
    return np.asarray(one + population.share * (several - one), np.float64)


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
    return conf().ENDPOINT == "local"


def combined(similarities: Sequence[float]) -> float:
    """The similarity of several frames together: that of the mean of their cosines."""
    return float(similarity.from_cosine(float(np.mean([similarity.to_cosine(one) for one in similarities]))))


def apart(higher: float, lower: float) -> bool:
    """Whether the first similarity is so much better that the second is surely somebody else's."""
    return decades(higher) - decades(lower) >= MARGIN if is_measured() else higher - lower >= POINTS


def decades(value: float) -> float:
    """How rarely a stranger reaches a similarity with one picture, as -log10 of ONE.

    Above its end all are equally similar, and below its beginning (80) they might as well be anybody: 0.
    """
    return float(-np.interp(similarity.to_cosine(value), COSINES, np.log10(list(ONE.values())), left=0.0))


def near_match_threshold(threshold: float, population: Population) -> float:
    """The similarity from which on somebody is asked to try again, before they are offered a second, empty notebook.

    It is half a decade below the threshold, or as low as brings one stranger in a hundred there, and 80 at least.
    """
    if not is_measured():
        return max(threshold - POINTS, 0.0)
    rare = min(decades(threshold) - MARGIN, np.log10(max(1, population.people) / FAMILIAR_ODDS))
    below = float(similarity.from_cosine(float(np.interp(rare, -np.log10(list(ONE.values())), COSINES))))
    return min(threshold, below)


SECONDS = 10
"""For so long a count is believed: counting a million people takes the database longer than a search."""


def population(collection_id: str | None = None) -> Population:
    """Who is remembered in a collection, that of the settings if none is named."""
    return recent("", collection_id or conf().COLLECTION, count_population)


def counted(collection_id: str | None = None) -> Population:
    """Those of them who take up a place: not the people whom a photo enrolled and who never came back."""
    return recent(".counted", collection_id or conf().COLLECTION, count_counted)


def recent(kind: str, collection_id: str, count: Callable[[str], Population]) -> Population:
    known = recall(count_key(collection_id) + kind)
    if known is None:
        known = tuple(count(collection_id))
        put(count_key(collection_id) + kind, known, SECONDS)
    return Population(*known)


def count_population(collection_id: str | None = None) -> Population:
    """The same, as it is at this moment."""
    return population_of(Face.objects.filter(collection_id=collection_id or conf().COLLECTION))


def count_counted(collection_id: str | None = None) -> Population:
    faces = Face.objects.filter(collection_id=collection_id or conf().COLLECTION)
    return population_of(faces.exclude(user_id__in=PhotoLogin.objects.filter(counted=False).values("user_id")))


def population_of(faces: QuerySet[Face]) -> Population:
    """Whose faces these are. What was enrolled of somebody within one minute is of one occasion."""
    rows = faces.order_by()
    minute = Cast(TruncMinute("enrolled"), CharField())
    counts = rows.aggregate(
        people=Count("person", distinct=True), occasions=Count(Concat("person", minute), distinct=True)
    )
    return Population(counts["people"], counts["occasions"])


def forget_count() -> None:
    """Somebody was remembered: the next visitor is not measured by the old number."""
    key = count_key(conf().COLLECTION)
    from_cache(lambda: cache.delete_many([key, f"{key}.counted"]), lambda: None)


def count_key(collection_id: str) -> str:
    return f"faceauth.policy.thresholds.{collection_id}"
