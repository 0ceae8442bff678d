"""docs/architecture.md says what the code does: its paths and functions exist, and its import rules are enforced."""

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from django.conf import settings

from faceauth.conf import Conf
from secretly import environment

ROOT = settings.BASE_DIR
PACKAGES = ("secretly", "faceauth", "notes", "privatekit")
TEXT = (ROOT / "docs" / "architecture.md").read_text()
MAP = TEXT.partition("## The map")[2].partition("## The way of a photo")[0]
# What is quoted and belongs to others: commands, events of botocore, words of the content security policy.
FOREIGN = {"make check", "before-send", "unsafe-eval", "unsafe-inline"}


def names_in(module: Path) -> set[str]:
    """Functions, classes and constants at the top of a module."""
    names = set()
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    # What a module hands on from another, as `encryption.seal`.
    return names | set(re.findall(r'"(\w+)"', module.read_text().partition("__all__ = [")[2].partition("]")[0]))


@pytest.fixture(scope="module")
def code() -> dict[str, set[str]]:
    """The names in each module, by the last part of the module's own name."""
    found: dict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for module in (ROOT / package).rglob("*.py"):
            if not {"tests", "migrations"} & {*module.parts}:
                found[module.stem] |= names_in(module)
    return found


def layers_of(table: str) -> list[tuple[bool, set[str]]]:
    """Each row's names, and whether they may import each other."""
    rows = re.findall(r"^\| (`[^|]+?) \|", table, re.MULTILINE)
    return [("(not each other)" not in row, set(re.findall(r"`(\w+)`", row))) for row in rows]


def contract(layers: list[str]) -> list[tuple[bool, set[str]]]:
    return [("|" not in layer, set(re.split(r"\s*[|:]\s*", layer))) for layer in layers]


def test_documented_import_rules_are_those_that_are_enforced() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    apps, inside = (one["layers"] for one in contracts if one["type"] == "layers")
    top, _, below = MAP.partition("Inside `faceauth`")
    assert layers_of(top) == contract(apps)
    assert layers_of(below) == contract(inside)


def test_quoted_paths_exist() -> None:
    paths = [quoted for quoted in re.findall(r"`([^`]+)`", TEXT) if is_path(quoted)]
    assert len(paths) > 15
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_quoted_names_exist(code: dict[str, set[str]]) -> None:
    qualified = re.findall(r"`(\w+)\.(\w+)(?:\.[\w.]+)?(?:\(\))?`", TEXT)
    names = [(module, name) for module, name in qualified if not is_path(f"{module}.{name}")]
    assert len(names) > 40
    assert [f"{module}.{name}" for module, name in names if name not in code.get(module, set())] == []


def test_nothing_is_quoted_that_no_test_knows(code: dict[str, set[str]]) -> None:
    everything = set().union(*code.values(), PACKAGES, *(names for _, names in layers_of(MAP)))
    known = everything | FOREIGN | environment.read.keys() | Conf.__dataclass_fields__.keys()
    words = [quoted for quoted in re.findall(r"`([^`]+)`", TEXT) if not is_path(quoted) and "." not in quoted]
    assert sorted(set(words) - known) == []


def is_path(quoted: str) -> bool:
    return "/" in quoted or quoted.endswith((".py", ".md", ".toml"))
