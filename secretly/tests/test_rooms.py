"""The rooms of the house: what each module may import."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
OURS = ("faceauth", "notes", "secretly")


def modules() -> Iterator[tuple[str, Path]]:
    for room in OURS:
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "tests" not in parts and "migrations" not in parts:
                yield ".".join(parts).removesuffix(".__init__"), path


MODULES = dict(modules())


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    """The modules that a file imports; `from a import b` counts as a.b where that is a module."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
            found.add(node.module)
    return found


def importers(package: str) -> set[str]:
    return {
        name
        for name, path in MODULES.items()
        if any(i == package or i.startswith(f"{package}.") for i in imports(path))
    }


def test_the_rooms_are_found() -> None:
    assert {"faceauth.people", "faceauth.local.service", "notes.views", "secretly.settings"} <= set(MODULES)


@pytest.mark.parametrize(
    ("package", "rooms"),
    [
        ("cv2", {"faceauth.vision"}),
        ("boto3", {"faceauth.rekognition.client", "notes.storing"}),  # the second for django-storages' errors alone
    ],
)
def test_only_one_room_imports(package: str, rooms: set[str]) -> None:
    assert importers(package) == rooms


def test_faceauth_opens_pictures_in_one_room() -> None:
    assert {name for name in importers("PIL") if name.startswith("faceauth")} == {"faceauth.images"}


def test_notes_open_pictures_in_one_room_and_seal_in_one() -> None:
    assert {name for name in importers("PIL") if name.startswith("notes")} == {"notes.pictures"}
    assert {name for name in importers("cryptography") if name.startswith("notes")} == {"notes.sealing"}


def test_client_errors_are_seen_in_one_place_for_each_service() -> None:
    rekognition = {"faceauth.rekognition.collection", "faceauth.rekognition.errors"}
    assert importers("botocore.exceptions") <= rekognition | {"notes.storing", "faceauth.local.s3"}


def test_notes_and_faceauth_do_not_know_each_other() -> None:
    assert not {name for name in importers("faceauth") if name.startswith("notes")}
    assert not {name for name in importers("notes") if name.startswith("faceauth")}


def test_above_the_client_nothing_knows_the_local_service() -> None:
    allowed = ("faceauth.local", "faceauth.management", "faceauth.rekognition.client")
    assert {name for name in importers("faceauth.local") if not name.startswith(allowed)} == set()


def test_the_local_service_knows_nothing_above_it() -> None:
    above = {f"faceauth.{name}" for name in ("people", "backends", "views", "models", "uploads", "seal", "rekognition")}
    for name in above:
        assert not {importer for importer in importers(name) if importer.startswith("faceauth.local")}, name


def test_the_look_is_pure() -> None:
    """No framework, no clock, no database: what it knows comes in, and what it says comes out."""
    seen = imports(MODULES["faceauth.look"])
    assert {name for name in seen if name.startswith("faceauth.") and name in MODULES} <= {
        "faceauth.vision",
        "faceauth.outcomes",
    }
    outside = {"django", "time", "datetime", "logging", "os", "cv2"}
    assert not {name for name in seen if name.partition(".")[0] in outside}


def test_views_see_no_array_and_no_client() -> None:
    seen = imports(MODULES["faceauth.views"]) | imports(MODULES["faceauth.looking"])
    assert not seen & {"numpy", "cv2", "PIL", "botocore", "boto3", "faceauth.vision", "faceauth.rekognition.collection"}


def test_no_circle_of_imports() -> None:
    graph = {
        name: {target for target in imports(path, top_level_only=True) if target in MODULES and target != name}
        for name, path in MODULES.items()
    }
    for name in graph:  # a package is imported before what is in it, which is no circle
        graph[name] -= {parent for parent in graph[name] if name.startswith(f"{parent}.")}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError
