"""The odds as they are, and from how many people on they change."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from faceauth.conf import MAX_FRAMES, conf
from faceauth.policy import thresholds

MOST_PEOPLE = 20_000_000  # of a collection of Rekognition's


@dataclass(frozen=True, slots=True)
class Outlook:
    """For whoever runs the site."""

    people: int
    occasions: int
    limit: float
    """TARGET_FPIR."""
    photo: thresholds.Requirement
    """For one photo."""
    liveness: thresholds.Requirement
    """For a liveness check of three frames."""
    frames_from: int | None
    """From how many people on, with as many occasions each as now, one frame of a liveness check is not enough."""
    photo_mfa_from: int | None
    """From how many people on a photo needs the second factor."""
    liveness_mfa_from: int | None
    """And a liveness check."""
    is_measured: bool
    """Whether the odds are measured, or only assumed, since another scale answers at the endpoint."""

    @property
    def mfa_from(self) -> int | None:
        """From how many people on nobody gets in without the second factor, by the best way that the site has."""
        return self.photo_mfa_from if thresholds.best_frames() == 1 else self.liveness_mfa_from


def outlook_of(collection_id: str | None = None) -> Outlook:
    now = thresholds.population(collection_id)
    each = now.occasions / now.people if now.people else 1.0

    def first(frames: int, what: Callable[[thresholds.Requirement], bool]) -> int | None:
        """From how many people on something is so; it stays so, as the odds only rise."""
        found = bisect_left(
            range(1, MOST_PEOPLE), True, key=lambda n: what(thresholds.requirement(n, frames, round(n * each)))
        )
        return found + 1 if found + 1 < MOST_PEOPLE else None

    return Outlook(
        people=now.people,
        occasions=now.occasions,
        limit=conf().TARGET_FPIR,
        photo=thresholds.requirement(now.people, 1, now.occasions),
        liveness=thresholds.requirement(now.people, MAX_FRAMES, now.occasions),
        frames_from=first(MAX_FRAMES, lambda it: it.frames > 1),
        photo_mfa_from=first(1, lambda it: it.lock),
        liveness_mfa_from=first(MAX_FRAMES, lambda it: it.lock),
        is_measured=thresholds.is_measured(),
    )
