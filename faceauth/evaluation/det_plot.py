"""The DET plot (detection error trade-off, ISO/IEC 19795-1) as an SVG: FNMR over FMR, both axes logarithmic."""

import math
from collections.abc import Sequence

from faceauth.evaluation.error_rates import AtFmr, AtThreshold

Point = tuple[float, float]

WIDTH, HEIGHT = 720, 480
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 48, 64
FMR = (-6, 0)  # decades shown
FNMR = (-4, 0)


def det_svg(curve: Sequence[AtFmr], thresholds: Sequence[AtThreshold], title: str) -> str:
    """Two lines, FNMR of all comparisons and of people, with a point for each similarity threshold and its interval."""
    parts = [*grid(), *labels(title)]
    lines = [
        ("all comparisons", "#1f6feb", [(x(at.fmr), y(at.fnmr)) for at in curve]),
        ("each person once", "#b35900", [(x(at.fmr), y(at.fnmr_of_people)) for at in curve]),
    ]
    for number, (name, colour, points) in enumerate(lines):
        row = TOP + 20 + 20 * number
        parts += [
            polyline(points, colour),
            line((LEFT + 12, row), (LEFT + 40, row), colour, 2),
            f'<text x="{LEFT + 48}" y="{row + 4}">{name}</text>',
        ]
    for at in thresholds:
        where, height = x(at.fmr.value), y(at.fnmr.value)
        parts += [
            line((x(at.fmr.low), height), (x(at.fmr.high), height)),
            line((where, y(at.fnmr.low)), (where, y(at.fnmr.high))),
            f'<circle cx="{where:.1f}" cy="{height:.1f}" r="4"/>',
            f'<text x="{where + 6:.1f}" y="{height - 8:.1f}">{at.similarity:g}</text>',
        ]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' font-family="sans-serif" font-size="12" role="img" aria-label="{title}">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n{body}\n</svg>\n'
    )


def line(start: Point, end: Point, colour: str = "#666", width: int = 1) -> str:
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def polyline(points: Sequence[Point], colour: str) -> str:
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
    return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>'


def x(fmr: float) -> float:
    return LEFT + position(fmr, FMR) * (WIDTH - LEFT - RIGHT)


def y(fnmr: float) -> float:
    return HEIGHT - BOTTOM - position(fnmr, FNMR) * (HEIGHT - TOP - BOTTOM)


def position(rate: float, decades: tuple[int, int]) -> float:
    """0 to 1 along a logarithmic axis; a rate of 0, or beyond the axis, lies on its end."""
    low, high = decades
    return (min(max(math.log10(rate), low), high) - low) / (high - low) if rate > 0 else 0.0


def grid() -> list[str]:
    lines = []
    for decade in range(FMR[0], FMR[1] + 1):
        at = x(10.0**decade)
        lines.append(line((at, TOP), (at, HEIGHT - BOTTOM), "#ddd"))
        lines.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{percent(decade)}</text>')
    for decade in range(FNMR[0], FNMR[1] + 1):
        at = y(10.0**decade)
        lines.append(line((LEFT, at), (WIDTH - RIGHT, at), "#ddd"))
        lines.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{percent(decade)}</text>')
    return lines


def percent(decade: int) -> str:
    return f"{10.0 ** (decade + 2):.6f}".rstrip("0").rstrip(".") + " %"


def labels(title: str) -> list[str]:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return [
        f'<text x="{LEFT}" y="28" font-size="15">{title}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 20}" text-anchor="middle">false match rate</text>',
        f'<text transform="translate(20 {middle}) rotate(-90)" text-anchor="middle">false non-match rate</text>',
    ]
