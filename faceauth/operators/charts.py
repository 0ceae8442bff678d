"""Charts as geometry, which the template `admin/faceauth/chart.html` draws as SVG, with the numbers in a table.

No scripts and no inline styles, which a strict content security policy forbids. Lengths are in units of the viewBox, as
text with a decimal point in every language.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

WIDTH, HEIGHT = 400, 190
LEFT, TOP, RIGHT, BOTTOM = 44, 8, 4, 22
"""Margins of the plot, for the numbers beside it and the labels below."""
PLOT_HEIGHT = float(HEIGHT - BOTTOM - TOP)


@dataclass(frozen=True, slots=True)
class Series:
    """One thing that is counted: `kind` is its class in dashboard.css, `values` has one number for each category."""

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
    """`categories` are along the horizontal axis, such as days."""

    key: str
    """Unique on the page: the prefix of its ids."""
    title: str
    summary: str
    """For screen readers."""
    axis: str
    """What a category is."""
    categories: Sequence[str]
    series: Sequence[Series]
    bars: list[Mark] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    """(kind, points)."""
    ticks: list[Mark] = field(default_factory=list)
    labels: list[Mark] = field(default_factory=list)
    rule: Mark | None = None
    """A vertical line, such as a threshold."""

    viewbox = f"0 0 {WIDTH} {HEIGHT}"
    right, bottom, foot = str(WIDTH - RIGHT), str(HEIGHT - BOTTOM), str(HEIGHT - 6)
    left, top, beside = str(LEFT), str(TOP), str(LEFT - 6)

    @property
    def rows(self) -> list[tuple[str, list[float | None]]]:
        """The same numbers as a table."""
        return [(name, [it.values[index] for it in self.series]) for index, name in enumerate(self.categories)]

    @property
    def empty(self) -> bool:
        return not any(value for it in self.series for value in it.values)


def stacked(chart: Chart, at: float | None = None) -> Chart:
    """Draw the series as stacked bars, with a vertical rule at `at`, in categories."""
    totals = [sum(it.values[index] or 0 for it in chart.series) for index in range(len(chart.categories))]
    top = draw_scale(chart, max(totals, default=0))
    step = category_width(chart)
    for index, name in enumerate(chart.categories):
        base = float(HEIGHT - BOTTOM)
        for series in chart.series:
            value = series.values[index] or 0
            height = value / top * PLOT_HEIGHT
            base -= height
            if value:
                x = LEFT + index * step + step * 0.1
                text = f"{name}: {series.name} {value:g}"
                chart.bars.append(Mark(unit(x), unit(base), unit(step * 0.8), unit(height), series.kind, text))
    draw_labels(chart)
    return chart if at is None else replace(chart, rule=Mark(unit(LEFT + at * step), str(TOP)))


def lines(chart: Chart) -> Chart:
    """Draw each series as a line through the categories that have a value."""
    top = draw_scale(chart, max((value or 0 for it in chart.series for value in it.values), default=0))
    step = category_width(chart)
    for series in chart.series:
        points = []
        for index, value in enumerate(series.values):
            if value is not None:
                x, y = LEFT + (index + 0.5) * step, HEIGHT - BOTTOM - value / top * PLOT_HEIGHT
                points.append(f"{unit(x)},{unit(y)}")
                text = f"{chart.categories[index]}: {series.name} {value:g}"
                chart.bars.append(Mark(unit(x - 2), unit(y - 2), "4", "4", series.kind, text))
        chart.lines.append((series.kind, " ".join(points)))
    draw_labels(chart)
    return chart


def category_width(chart: Chart) -> float:
    return (WIDTH - LEFT - RIGHT) / max(len(chart.categories), 1)


def draw_scale(chart: Chart, highest: float) -> float:
    """Draw the numbers beside the plot; the number at its top, which is round."""
    top = rounded_up(highest)
    for part in (0, 0.5, 1):
        chart.ticks.append(Mark(str(LEFT), unit(HEIGHT - BOTTOM - part * PLOT_HEIGHT), text=f"{top * part:g}"))
    return top


def rounded_up(value: float) -> float:
    """The next of 2, 4, 6, 10, 20, 40, 60, 100 and so on: half of each is a whole number too."""
    size = 1.0
    while True:
        for digit in (2, 4, 6, 10):
            if value <= digit * size:
                return digit * size
        size *= 10


def draw_labels(chart: Chart) -> None:
    """Four at most, so that they do not overlap."""
    every = max(1, -(-len(chart.categories) // 4))
    for index in range(0, len(chart.categories), every):
        x = LEFT + (index + 0.5) * category_width(chart)
        chart.labels.append(Mark(unit(x), str(HEIGHT - 6), text=chart.categories[index]))


def unit(value: float) -> str:
    return f"{value:.1f}"
