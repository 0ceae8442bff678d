"""The design tokens keep WCAG 2.2 AA, dark and light: 4.5:1 for text (1.4.3), 3:1 for edges and focus (1.4.11)."""

import re

import pytest
from django.conf import settings

TOKENS = (settings.BASE_DIR / "faceauth/static/faceauth/tokens.css").read_text()
GROUNDS = ("ground", "raised", "sunken")
TEXT = [(text, ground) for text in ("ink", "quiet", "accent", "accent-strong", "danger", "good") for ground in GROUNDS]
TEXT += [("on-accent", "accent"), ("on-accent", "accent-strong"), ("on-danger", "danger"), ("on-mark", "mark")]
EDGES = [(edge, ground) for edge in ("edge", "focus") for ground in GROUNDS]


def declarations(block: str) -> list[str]:
    return re.findall(r"--[a-z-]+: [^;]+;", block)


def test_light_by_choice_is_light_by_the_system() -> None:
    system, chosen = TOKENS.split("@media (prefers-color-scheme: light)")[1].split(':root[data-theme="light"]')
    assert declarations(system) == declarations(chosen.split("}")[0]) != []


def palette(scheme: str) -> dict[str, str]:
    dark, light = TOKENS.split("@media (prefers-color-scheme: light)")
    colours = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6});", dark))
    if scheme == "light":
        colours |= dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6});", light))
    return colours


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1, of six hexadecimal digits: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("767676", "ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_is_readable(scheme: str, text: str, ground: str) -> None:
    colours = palette(scheme)
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(("edge", "ground"), EDGES)
def test_edges_and_focus_stand_out(scheme: str, edge: str, ground: str) -> None:
    colours = palette(scheme)
    assert contrast(colours[edge], colours[ground]) >= 3
