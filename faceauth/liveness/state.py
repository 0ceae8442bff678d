"""How far a liveness check has come: what is kept, sealed, between two frames."""

from dataclasses import dataclass
from typing import Any, Self

from faceauth.liveness.observation import Observation
from faceauth.liveness.requests import Ask, Code, Kind
from faceauth.liveness.track import NOTHING, Part

# Frontal frames that it begins with, of which the one with the middle pitch is the base of all that follows.
FIRST = {Kind.FULL: 3, Kind.SINGLE: 2, Kind.GLANCE: 3}
# Frames in a row that show something else than what is asked for: one may be a slip of the detector.
WRONG = 2
# Good frontal frames that a full check ends on.
FINAL = 2


@dataclass(frozen=True, slots=True)
class State:
    """It holds numbers, and no picture; its templates are secret, so it is kept sealed."""

    started: float
    kind: Kind = Kind.FULL
    more: float = 0.0
    """Seconds that somebody has asked for beside those that everybody has."""
    before: float | None = None
    """When the frame before came."""
    moved_on: float | None = None
    """When it last came a little further."""
    first: tuple[Observation, ...] = ()
    """The first frontal frames."""
    frontal: Part = NOTHING
    """Their templates."""
    base: Observation | None = None
    """One of these, with which all others are compared."""
    size: float = 1.0
    """The largest that the face was before what is asked for now, against the base."""
    largest: float = 1.0
    """And so far."""
    lags: tuple[float, ...] = ()
    """How far the sides of the face stay behind its nose, in the frames that have come closer."""
    last: Observation | None = None
    """The last frame that was taken."""
    asks: tuple[Ask, ...] = ()
    holds: tuple[int, ...] = ()
    """In how many frames each of them must be seen."""
    done: int = 0
    held: int = 0
    wrong: int = 0
    """Frames in a row that show something else than what was asked for."""
    armed: bool = True
    """Whether the head was straight since the last request: before, it is still on its way back."""
    slips: int = 0
    flat: int = 0
    untaken: int = 0
    still: int = 0
    seen: tuple[Observation, ...] = ()
    """The frames that were taken, without their templates."""
    moves: tuple[Part, ...] = ()
    """The templates of the frames that show each movement."""
    moving: Part = NOTHING
    """And of those between them."""
    moved: Observation | None = None
    """Of the frames that show a movement, the one that is most like the first ones, a good one if there is any."""
    likeness: float = -1.0
    """How much it is."""
    finals: tuple[Observation, ...] = ()
    """The last frontal frames; of a check without, the first ones."""
    ending: Part = NOTHING
    kept: tuple[str, ...] = ()
    """The digests of the frames that the browser was told to keep, in order."""
    passed: bool = False
    failure: Code | None = None

    @property
    def over(self) -> bool:
        return self.passed or self.failure is not None

    @property
    def asking(self) -> Ask:
        """What the person is asked for now."""
        return self.asks[self.done] if self.base and self.done < len(self.asks) else Ask.STRAIGHT

    @property
    def progress(self) -> float:
        """Of what is asked for now, 0 to 1: how much will be asked for is nobody's business before."""
        if self.passed:
            return 1.0
        if not self.base:
            return len(self.first) / FIRST[self.kind]
        if self.done < len(self.asks):
            return self.held / self.holds[self.done]
        return min(1.0, len(self.finals) / FINAL)

    @property
    def candidates(self) -> set[str]:
        """The digests of the frames that the person may be recognised by."""
        frontal = self.finals or (() if self.kind == Kind.FULL else self.first)
        return {one.digest for one in (*frontal, *((self.moved,) if self.moved else ()))}

    @property
    def best(self) -> tuple[str, ...]:
        """The digests of the frames that a passed check is recognised by: one of a movement, and then the frontal ones,
        the best first. Where few people are enrolled only the first is searched, and whoever moved is who it must be.
        """
        ranked = [one.digest for one in sorted(self.finals, key=lambda one: (one.good, one.quality), reverse=True)]
        return (self.moved.digest, *ranked[:2]) if self.moved else tuple(ranked[:3])

    def stands_at(self, other: Self) -> bool:
        """Whether it has come no further than another state."""
        return (self.done, self.held, len(self.first), len(self.finals), self.slips) == (
            other.done,
            other.held,
            len(other.first),
            len(other.finals),
            other.slips,
        )

    def as_json(self) -> dict[str, Any]:
        """What JSON can hold. (`asdict` would copy each of some thousand numbers.)"""
        content: dict[str, Any] = plain(self)
        return content

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        def several(name: str) -> tuple[Observation, ...]:
            return tuple(observation(one) for one in content[name])

        one_each = {name: observation(content[name]) if content[name] else None for name in ("base", "last", "moved")}
        parts: dict[str, Any] = {name: Part(**content[name]) for name in ("frontal", "moving", "ending")}
        parts["moves"] = tuple(Part(**one) for one in content["moves"])
        enums = {
            "kind": Kind(content["kind"]),
            "asks": tuple(Ask(ask) for ask in content["asks"]),
            "lags": tuple(content["lags"]),
            "holds": tuple(content["holds"]),
            "failure": Code(content["failure"]) if content["failure"] else None,
            "kept": tuple(content["kept"]),
        }
        return cls(**content | one_each | parts | enums | {name: several(name) for name in ("first", "seen", "finals")})


def plain(value: Any) -> Any:
    if isinstance(value, State | Observation | Part):
        return {name: plain(getattr(value, name)) for name in value.__slots__}
    parts = isinstance(value, tuple) and value and isinstance(value[0], Observation | Part)
    return [plain(one) for one in value] if parts else value


def observation(one: dict[str, Any]) -> Observation:
    points = tuple((x, y) for x, y in one["landmarks"])
    flat = {name: tuple(one[name]) for name in ("place", "template", "fields")}
    return Observation(**one | {"landmarks": points} | flat)
