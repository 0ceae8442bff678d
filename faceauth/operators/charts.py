"""Charts as geometry: what the template `admin/faceauth/chart.html` draws as SVG, with the same numbers as a table.

No script, and no style but classes, so that they come through a strict content policy. Lengths are in the units of the
viewBox, as text with a point, whatever the reader's language writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

WIDTH, HEIGHT = 400, 190
LEFT, TOP, RIGHT, BOTTOM = 44, 8, 4, 22
"""Around the plot: room for the numbers beside it, and for the words below."""


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of thing that is counted; `kind` is its class in desk.css, `values` has one number a place."""

    kind: str
    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Mark:
    x: str
    y: str
    width: str = ""
    height: str = ""
    kind: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """`places` are what the horizontal axis counts, such as days."""

    key: str
    """Makes the ids of the page's charts differ."""
    title: str
    summary: str
    """What somebody hears who does not see it."""
    place: str
    places: Sequence[str]
    series: Sequence[Series]
    bars: list[Mark] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    """(kind, points)."""
    ticks: list[Mark] = field(default_factory=list)
    labels: list[Mark] = field(default_factory=list)
    rule: Mark | None = None
    """A line across the plot, such as a threshold."""

    viewbox = f"0 0 {WIDTH} {HEIGHT}"
    right, bottom, foot = str(WIDTH - RIGHT), str(HEIGHT - BOTTOM), str(HEIGHT - 6)
    left, top, beside = str(LEFT), str(TOP), str(LEFT - 6)

    @property
    def rows(self) -> list[tuple[str, list[float | None]]]:
        """The table behind the chart."""
        return [(name, [one.values[place] for one in self.series]) for place, name in enumerate(self.places)]

    @property
    def empty(self) -> bool:
        return not any(value for one in self.series for value in one.values)


def stacked(chart: Chart, at: float | None = None) -> Chart:
    """Draw the series as bars upon each other; `at` is where on the horizontal axis a rule goes, in places."""
    totals = [sum(one.values[place] or 0 for one in chart.series) for place in range(len(chart.places))]
    top = scale(chart, max(totals, default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(chart.places), 1)
    for place in range(len(chart.places)):
        base = float(HEIGHT - BOTTOM)
        for one in chart.series:
            value = one.values[place] or 0
            tall = value / top * plot()
            base -= tall
            if value:
                text = f"{chart.places[place]}: {one.name} {value:g}"
                x = LEFT + place * step + step * 0.1
                chart.bars.append(Mark(unit(x), unit(base), unit(step * 0.8), unit(tall), one.kind, text))
    name_places(chart, step)
    if at is None:
        return chart
    return replace(chart, rule=Mark(unit(LEFT + at * step), str(TOP)))


def lines(chart: Chart) -> Chart:
    """Draw each series as a line; places without a value are left out of it."""
    top = scale(chart, max((value or 0 for one in chart.series for value in one.values), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(chart.places), 1)
    for one in chart.series:
        points = [
            (LEFT + (place + 0.5) * step, HEIGHT - BOTTOM - value / top * plot(), place, value)
            for place, value in enumerate(one.values)
            if value is not None
        ]
        chart.lines.append((one.kind, " ".join(f"{unit(x)},{unit(y)}" for x, y, _place, _value in points)))
        for x, y, place, value in points:
            chart.bars.append(
                Mark(unit(x - 2), unit(y - 2), "4", "4", one.kind, f"{chart.places[place]}: {one.name} {value:g}")
            )
    name_places(chart, step)
    return chart


def scale(chart: Chart, most: float) -> float:
    """Where the plot ends, a round number; and the numbers beside it."""
    top = rounded_up(most)
    for part in (0, 0.5, 1):
        chart.ticks.append(Mark(str(LEFT), unit(HEIGHT - BOTTOM - part * plot()), text=f"{top * part:g}"))
    return top


def rounded_up(value: float) -> float:
    """The next of 2, 4, 6, 10, 20, 40, ... whose half is a whole number too."""
    size = 1.0
    while True:
        for digit in (2, 4, 6, 10):
            if value <= digit * size:
                return digit * size
        size *= 10


def name_places(chart: Chart, step: float) -> None:
    every = max(1, -(-len(chart.places) // 4))
    for place in range(0, len(chart.places), every):
        x = LEFT + (place + 0.5) * step
        chart.labels.append(Mark(unit(x), str(HEIGHT - 6), text=chart.places[place]))


def plot() -> float:
    return float(HEIGHT - BOTTOM - TOP)


def unit(value: float) -> str:
    return f"{value:.1f}"
