"""Who is enrolled, which decides how much a match must be worth."""

from typing import NamedTuple

from django.core.cache import cache
from django.db.models import CharField, Count, QuerySet
from django.db.models.functions import Cast, Concat, TruncMinute

from faceauth.cache import from_cache, put, recall
from faceauth.conf import conf
from faceauth.models import Face

SECONDS = 10
"""For so long a count is believed: counting a million people takes the database longer than a search."""


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


def of(collection_id: str | None = None) -> Population:
    """Who is enrolled in a collection, that of the settings if none is named."""
    name = collection_id or conf().COLLECTION
    known = recall(count_key(name))
    if known is None:
        known = tuple(counted(name))
        put(count_key(name), known, SECONDS)
    return Population(*known)


def counted(collection_id: str | None = None) -> Population:
    """The same, as it is at this moment."""
    return of_faces(Face.objects.filter(collection_id=collection_id or conf().COLLECTION))


def of_faces(faces: QuerySet[Face]) -> Population:
    """Whose faces these are. What was enrolled of somebody within one minute is of one occasion."""
    rows = faces.order_by()
    minute = Cast(TruncMinute("enrolled"), CharField())
    counts = rows.aggregate(
        people=Count("person", distinct=True), occasions=Count(Concat("person", minute), distinct=True)
    )
    return Population(counts["people"], counts["occasions"])


def forget() -> None:
    """Somebody was enrolled: the next attempt is not measured by the old number."""
    key = count_key(conf().COLLECTION)
    from_cache(lambda: cache.delete(key), lambda: False)


def count_key(collection_id: str) -> str:
    return f"faceauth.policy.population.{collection_id}"
