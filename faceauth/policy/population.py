"""Who is enrolled, which decides how much a match must be worth."""

from collections.abc import Callable
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import CharField, Count, QuerySet
from django.db.models.functions import Cast, Concat, TruncMinute

from faceauth.cache import from_cache, put, recall
from faceauth.conf import conf
from faceauth.models import Face, PhotoLogin

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
    return recent("", collection_id, counted)


def placed(collection_id: str | None = None) -> Population:
    """Those of them who take up a place: not the people whom a photo enrolled and who never came back."""
    return recent(".placed", collection_id, count_placed)


def recent(kind: str, collection_id: str | None, count: Callable[[str], Population]) -> Population:
    name = collection_id or conf().COLLECTION
    known = recall(count_key(name) + kind)
    if known is None:
        known = tuple(count(name))
        put(count_key(name) + kind, known, SECONDS)
    return Population(*known)


def counted(collection_id: str | None = None) -> Population:
    """The same, as it is at this moment."""
    return of_faces(Face.objects.filter(collection_id=collection_id or conf().COLLECTION))


def count_placed(collection_id: str | None = None) -> Population:
    faces = Face.objects.filter(collection_id=collection_id or conf().COLLECTION)
    return of_faces(faces.exclude(user_id__in=PhotoLogin.objects.filter(counted=False).values("user_id")))


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
    from_cache(lambda: cache.delete_many([key, f"{key}.placed"]), lambda: None)


def count_key(collection_id: str) -> str:
    return f"faceauth.policy.population.{collection_id}"
