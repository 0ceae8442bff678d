"""The documents say what the code does."""

import re

import pytest
from django.conf import settings

from faceauth.checks import LIMITS
from faceauth.conf import Conf
from faceauth.policy import false_matches, thresholds
from faceauth.vision import networks, similarity
from secretly import environment

ROOT = settings.BASE_DIR
READ_ELSEWHERE = {"PORT", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS"}  # by gunicorn and its configuration


def documented() -> dict[str, str]:
    """The default of each variable that docs/settings.md has a row for."""
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \|([^|]*)\|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    return {name: default.strip().strip("`") for name, default in rows}


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    assert environment.read.keys() - {"AWS_DEFAULT_REGION"} == documented().keys() - READ_ELSEWHERE


def test_documented_defaults_are_the_defaults() -> None:
    in_words = {"SECRETLY_HOME", "DATABASE_URL", "AWS_REGION", "SECRETLY_OPERATOR_MFA"}
    defaults = {name: default for name, default in environment.read.items() if default and name not in in_words}
    assert {name: float_of(documented()[name]) for name in defaults.keys() & documented().keys()} == {
        name: float_of(default) for name, default in defaults.items() if name in documented()
    }
    for name in LIMITS:
        assert Conf.__dataclass_fields__[name].default == environment.read[f"SECRETLY_{name}"]


def float_of(default: str) -> float | str:
    """43200.0 and 43200 are the same default."""
    try:
        return float(default)
    except ValueError:
        return default


@pytest.mark.parametrize("path", ["README.md", "CHANGELOG.md", *sorted(p.name for p in (ROOT / "docs").glob("*.md"))])
def test_links_lead_to_files_that_exist(path: str) -> None:
    document = ROOT / path if (ROOT / path).exists() else ROOT / "docs" / path
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_one_command_that_rotates_keys_is_named_where_keys_are_changed() -> None:
    keys = (ROOT / "docs" / "deploy.md").read_text().partition("## Keys")[2].partition("## Upgrading")[0]
    assert [path.stem for path in ROOT.glob("*/management/commands/rotate_*.py")] == ["rotate_keys"]
    assert "`manage.py rotate_keys`" in keys


def test_the_documented_similarity_curve_is_the_one_in_use() -> None:
    """docs/models.md has the table of similarity.CURVE, and the digests of the models."""
    text = (ROOT / "docs" / "models.md").read_text()
    rows = re.findall(r"^\| ([\d.]+) \| 10\^(-[\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert {10 ** float(decade): float(cosine) for _, decade, cosine in rows} == pytest.approx(similarity.CURVE)
    assert [float(value) for value, _, _ in rows] == [round(similarity.of_fmr(fmr), 2) for fmr in similarity.CURVE]
    for name, digest in networks.DIGESTS.items():
        assert f"`{name}`" in text
        assert f"`{digest}`" in text


def test_the_odds_of_the_documents_are_those_that_are_used() -> None:
    """The measurements have both tables of false_matches, docs/odds.md from how many people on a factor is required."""
    text = (ROOT / "docs" / "measurements" / "recognition.md").read_text()
    guide = (ROOT / "docs" / "odds.md").read_text()
    cells = r"\| (0\.\d{4}) \|[^|]+" + r"\| \S+ \| (\S+) \| \S+ \| (\S+) \| \S+ " * 2 + r"\|"
    rows = [tuple(map(float, row)) for row in re.findall(rf"^{cells}$", text, re.MULTILINE)]
    assert {row[0]: row[2] for row in rows} == false_matches.ONE
    assert {row[0]: row[4] for row in rows} == false_matches.SEVERAL
    for _, one, used, several, used_of_several in rows[:-1]:
        assert used >= 2.3 * one
        assert used_of_several >= several
    assert rows[-1][2] >= rows[-1][1]  # the end, where none of the pairs matches
    claims = re.findall(r"^\| (\d\d\.\d\d) \| \S+ \| (\S+) \| (\S+) \| \S+, \S+ \|$", guide, re.MULTILINE)
    measured = {f"{similarity.from_cosine(row[0]):.2f}": (row[2], row[4]) for row in rows}
    assert len(claims) == 5
    assert all(measured[alike] == (float(one), float(several)) for alike, one, several in claims)
    for each, column in ((1, 0), (2, 1)):
        first = next(people for people in range(1, 1000) if thresholds.requirement(people, 1, each * people).lock)
        [numbers] = re.findall(r"^\| 1 in 10,000 \| (\d+) people \| (\d+) people \|", guide, re.MULTILINE)
        assert int(numbers[column]) == first
