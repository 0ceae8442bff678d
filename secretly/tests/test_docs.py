"""What the documents say is what the code does."""

import re

import pytest
from django.conf import settings

from faceauth import odds, similarity, vision
from faceauth.checks import LIMITS
from faceauth.conf import Conf

ROOT = settings.BASE_DIR
READ_ELSEWHERE = {"PORT", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS"}  # by gunicorn and its configuration


def documented() -> set[str]:
    """The variables that docs/settings.md has a row for."""
    return set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))


def read() -> set[str]:
    """The variables that the settings read."""
    code = "".join((ROOT / "secretly" / name).read_text() for name in ("settings.py", "environment.py"))
    return set(re.findall(r'\b(?:text|words|boolean|number|number_or|choice|credentials)\(\s*"([A-Z_]+)"', code))


def test_every_variable_is_documented() -> None:
    assert read() - documented() - {"AWS_DEFAULT_REGION"} == set()


def test_every_documented_variable_is_read() -> None:
    assert documented() - read() - READ_ELSEWHERE == set()


def test_documented_defaults_are_the_defaults() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    code = (ROOT / "secretly" / "settings.py").read_text()
    assert "| `REKOGNITION_THRESHOLD` | `auto` |" in text
    assert 'number_or("REKOGNITION_THRESHOLD", "auto",' in code
    assert "| `SECRETLY_FALSE_OPEN_ODDS` | `0.0001` |" in text
    assert 'number("SECRETLY_FALSE_OPEN_ODDS", 1e-4,' in code
    assert "| `SECRETLY_LOCK_AFTER` | `900` |" in text
    assert 'number("SECRETLY_LOCK_AFTER", 15 * 60,' in code
    for name in LIMITS:  # they stand in three places
        default = Conf.__dataclass_fields__[name].default
        assert f"| `SECRETLY_{name}` | `{default}` |" in text
        assert f'"{name}": environment.text("SECRETLY_{name}", "{default}"),' in code


@pytest.mark.parametrize("path", ["README.md", "CHANGELOG.md", *sorted(p.name for p in (ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(path: str) -> None:
    document = ROOT / path if (ROOT / path).exists() else ROOT / "docs" / path
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_no_command_that_seals_anew_is_forgotten_where_keys_are_changed() -> None:
    """Whoever takes the old key away before all of them have run loses what the forgotten one keeps."""
    keys = (ROOT / "docs" / "deploy.md").read_text().partition("## Keys")[2].partition("## Upgrading")[0]
    commands = {path.stem for path in ROOT.glob("*/management/commands/rotate_*.py")} | {"rotate-keys"}
    assert len(commands) == 3
    assert {command for command in commands if f"{command}`" not in keys} == set()


def test_the_curve_of_the_models_is_the_one_that_is_used() -> None:
    """docs/models.md has the table of similarity.CURVE, and the digests of the models."""
    text = (ROOT / "docs" / "models.md").read_text()
    rows = re.findall(r"^\| ([\d.]+) \| 10\^(-[\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert {10 ** float(decade): float(cosine) for _, decade, cosine in rows} == pytest.approx(similarity.CURVE)
    assert [float(value) for value, _, _ in rows] == [round(similarity.of_fmr(fmr), 2) for fmr in similarity.CURVE]
    for name, digest in vision.DIGESTS.items():
        assert f"`{name}`" in text
        assert f"`{digest}`" in text


def test_the_odds_of_the_documents_are_those_that_are_used() -> None:
    """docs/odds.md has the tables of odds.ONE and SEVERAL, and from how many people on a second factor is required."""
    text = (ROOT / "docs" / "odds.md").read_text()
    cells = r"\| (0\.\d{4}) \|[^|]+" + r"\| \S+ \| (\S+) \| \S+ \| (\S+) \| \S+ " * 2 + r"\|"
    rows = [tuple(map(float, row)) for row in re.findall(rf"^{cells}$", text, re.MULTILINE)]
    assert {row[0]: row[2] for row in rows} == odds.ONE
    assert {row[0]: row[4] for row in rows} == odds.SEVERAL
    for _, one, used, several, used_of_several in rows[:-1]:
        assert used >= 2.3 * one
        assert used_of_several >= several
    assert rows[-1][2] >= rows[-1][1]  # the end, where none of the pairs matches
    for each, column in ((1, 0), (2, 1)):
        first = next(people for people in range(1, 1000) if odds.needed(people, 1, each * people).lock)
        [numbers] = re.findall(r"^\| 1 in 10,000 \| (\d+) people \| (\d+) people \|", text, re.MULTILINE)
        assert int(numbers[column]) == first
