from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.fernet import Fernet
from PIL import Image
from pytest_django import Settings

from faceauth.evaluation import dataset
from faceauth.evaluation.dataset import (
    NothingToMeasure,
    Specimen,
    State,
    StateUnusable,
    look_at,
    look_at_all,
    specimens_in,
)
from faceauth.tests import pictures


def nothing(done: int) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people with two pictures each, and things that are no pictures of anybody."""
    everybody = tmp_path / "people"
    for name, picture in (("Grace", pictures.hopper()), ("Eileen", pictures.collins())):
        (everybody / name).mkdir(parents=True)
        (everybody / name / "1.jpg").write_bytes(picture)
        (everybody / name / "2.jpg").write_bytes(pictures.another(picture))
    (everybody / "Grace" / "notes.txt").write_text("no picture")
    (everybody / "Grace" / "landscape.jpg").write_bytes(pictures.landscape())
    (everybody / "Grace" / ".hidden").write_text("not looked at")
    (everybody / "README").write_text("not a person")
    return everybody


def test_people_are_numbered_in_the_order_of_their_names(folder: Path) -> None:
    found = [(one.person, one.path.parent.name, one.path.name) for one in specimens_in(folder)]
    assert found == [
        (0, "Eileen", "1.jpg"),
        (0, "Eileen", "2.jpg"),
        (1, "Grace", "1.jpg"),
        (1, "Grace", "2.jpg"),
        (1, "Grace", "landscape.jpg"),
        (1, "Grace", "notes.txt"),
    ]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NothingToMeasure, match=str(path)):
            specimens_in(path)


def test_what_comes_of_a_picture(folder: Path) -> None:
    made = look_at(folder / "Grace" / "1.jpg")
    assert isinstance(made, np.ndarray)
    again = look_at(folder / "Grace" / "2.jpg")
    assert isinstance(again, np.ndarray)
    assert made @ again > 0.5
    assert look_at(folder / "Grace" / "landscape.jpg") == "no_face"
    assert look_at(folder / "Grace" / "notes.txt") == "not_an_image"
    assert look_at(folder / "Grace" / "missing.jpg") == "unreadable"


def test_the_face_in_the_middle_is_meant(tmp_path: Path) -> None:
    middle = pictures.opened(pictures.collins()).resize((256, 256))
    room = Image.new("RGB", (1200, 500), (120, 120, 120))
    room.paste(middle, (472, 120))
    room.paste(pictures.opened(pictures.hopper()).resize((410, 480)), (0, 10))  # larger, at the side
    (tmp_path / "both.png").write_bytes(pictures.encoded(room, "PNG"))
    (tmp_path / "alone.png").write_bytes(pictures.encoded(middle, "PNG"))
    both, alone = look_at(tmp_path / "both.png"), look_at(tmp_path / "alone.png")
    assert isinstance(both, np.ndarray)
    assert isinstance(alone, np.ndarray)
    assert both @ alone > 0.5


def test_all_are_looked_at_in_order_and_progress_is_told(folder: Path) -> None:
    done: list[int] = []
    found = specimens_in(folder)
    results = look_at_all(found, processes=2, progress=done.append)
    assert [isinstance(result, str) for result in results] == [False] * 4 + [True] * 2
    assert results[4:] == ["no_face", "not_an_image"]
    assert done == list(range(7))


# The state ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The pictures that are looked at, in this process so that it can be seen."""
    seen: list[Path] = []

    class Here:
        def __init__(self, processes: int) -> None: ...
        def __enter__(self) -> "Here":
            return self

        def __exit__(self, *exception: object) -> None: ...
        def run(self, paths: list[Path]):  # type: ignore[no-untyped-def]
            for path in paths:
                seen.append(path)
                yield look_at(path)

    monkeypatch.setattr(dataset, "Workers", Here)
    return seen


def run(folder: Path, state: State, progress: Callable[[int], None] = nothing) -> list[dataset.Result]:
    return look_at_all(specimens_in(folder), processes=1, state=state, progress=progress)


def test_an_interrupted_run_goes_on_where_it_was(folder: Path, tmp_path: Path, looked_at: list[Path]) -> None:
    def interrupt(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    file = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        run(folder, State(file), interrupt)
    assert len(looked_at) == 3
    results = run(folder, State(file))
    assert len(looked_at) == 6
    fresh = run(folder, State(tmp_path / "other"))
    for one, other in zip(results, fresh, strict=True):
        assert np.array_equal(one, other)
    assert run(folder, State(file))[4:] == ["no_face", "not_an_image"]
    assert len(looked_at) == 12  # nothing was done again


def test_a_changed_picture_is_looked_at_again(folder: Path, tmp_path: Path, looked_at: list[Path]) -> None:
    run(folder, State(tmp_path / "state"))
    looked_at.clear()
    (folder / "Grace" / "1.jpg").write_bytes(pictures.another(pictures.hopper()))
    run(folder, State(tmp_path / "state"))
    assert [path.name for path in looked_at] == ["1.jpg"]


def test_a_line_that_a_crash_cut_off_costs_its_pictures_alone(
    folder: Path, tmp_path: Path, looked_at: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "KEEP_EVERY", 2)
    file = tmp_path / "state"
    run(folder, State(file))
    content = file.read_bytes()
    for cut in (content[:-40], content + b"gAAAAAB", content[:-1]):
        file.write_bytes(cut)
        looked_at.clear()
        run(folder, State(file))
        assert len(looked_at) in (0, 2)
        looked_at.clear()
        run(folder, State(file))
        assert looked_at == []  # and what was added after it can be read


def test_the_state_shows_nothing_and_is_its_owners_alone(folder: Path, tmp_path: Path, looked_at: list[Path]) -> None:
    file = tmp_path / "state"
    results = run(folder, State(file))
    content = file.read_bytes()
    assert b"Grace" not in content
    assert all(result.tobytes() not in content for result in results if not isinstance(result, str))
    assert file.stat().st_mode & 0o077 == 0


def test_keys_can_be_changed(folder: Path, tmp_path: Path, looked_at: list[Path], settings: Settings) -> None:
    run(folder, State(tmp_path / "state"))
    looked_at.clear()
    old = settings.FACEAUTH["ENCRYPTION_KEYS"]
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [Fernet.generate_key().decode(), *old]}
    run(folder, State(tmp_path / "state"))
    assert looked_at == []
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [Fernet.generate_key().decode()]}
    with pytest.raises(StateUnusable, match="ENCRYPTION_KEYS"):
        run(folder, State(tmp_path / "state"))


def test_templates_of_another_way_of_making_are_not_mixed_in(
    folder: Path, tmp_path: Path, looked_at: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, State(tmp_path / "state"))
    monkeypatch.setattr(dataset, "way_of_making", lambda: "with another model")
    with pytest.raises(StateUnusable, match="older version"):
        run(folder, State(tmp_path / "state"))


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "diary"
    file.write_text("Dear diary,\nno state file.\n")
    with pytest.raises(StateUnusable, match="not a state file"):
        State(file).read()
    assert file.read_text() == "Dear diary,\nno state file.\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="cannot be used"):
        State(tmp_path / "missing" / "state").read()


def test_without_keys_nothing_is_kept(tmp_path: Path, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": []}
    with pytest.raises(StateUnusable, match="ENCRYPTION_KEYS"):
        State(tmp_path / "state")


def test_specimens_are_values() -> None:
    assert Specimen(1, Path("a")) == Specimen(1, Path("a"))
