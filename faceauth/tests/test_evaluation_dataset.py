import multiprocessing
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cryptography.fernet import Fernet
from PIL import Image
from pytest_django import Settings

from faceauth import vision
from faceauth.evaluation import dataset
from faceauth.evaluation.dataset import NothingToMeasure, State, StateUnusable, samples_in, template_of, templates_of
from faceauth.tests import pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people with two pictures each, and files that show nobody."""
    everybody = tmp_path / "people"
    for name, picture in (("Grace", pictures.hopper()), ("Eileen", pictures.collins())):
        (everybody / name).mkdir(parents=True)
        (everybody / name / "1.jpg").write_bytes(picture)
        (everybody / name / "2.jpg").write_bytes(pictures.another(picture))
    (everybody / "Grace" / "notes.txt").write_text("no picture")
    (everybody / "Grace" / "landscape.jpg").write_bytes(pictures.landscape())
    (everybody / "Grace" / ".hidden").write_text("ignored")
    (everybody / "README").write_text("not a person")
    return everybody


def test_people_are_numbered_in_the_order_of_their_names(folder: Path) -> None:
    found = [(one.person, one.path.parent.name, one.path.name) for one in samples_in(folder)]
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
            samples_in(path)


def test_the_result_of_a_picture(folder: Path) -> None:
    made = template_of(folder / "Grace" / "1.jpg")
    assert isinstance(made, np.ndarray)
    again = template_of(folder / "Grace" / "2.jpg")
    assert isinstance(again, np.ndarray)
    assert made @ again > 0.5
    assert template_of(folder / "Grace" / "landscape.jpg") == "no_face"
    assert template_of(folder / "Grace" / "notes.txt") == "not_an_image"
    assert template_of(folder / "Grace" / "missing.jpg") == "unreadable"


def test_the_face_nearest_to_the_middle_counts(tmp_path: Path) -> None:
    middle = pictures.opened(pictures.collins()).resize((256, 256))
    room = Image.new("RGB", (1200, 500), (120, 120, 120))
    room.paste(middle, (472, 120))
    room.paste(pictures.opened(pictures.hopper()).resize((410, 480)), (0, 10))  # larger, at the side
    (tmp_path / "both.png").write_bytes(pictures.encoded(room, "PNG"))
    (tmp_path / "alone.png").write_bytes(pictures.encoded(middle, "PNG"))
    both, alone = template_of(tmp_path / "both.png"), template_of(tmp_path / "alone.png")
    assert isinstance(both, np.ndarray)
    assert isinstance(alone, np.ndarray)
    assert both @ alone > 0.5


def test_all_are_processed_in_order_and_progress_is_told(folder: Path) -> None:
    done: list[int] = []
    found = samples_in(folder)
    results = templates_of(found, processes=2, progress=done.append)
    assert [isinstance(result, str) for result in results] == [False] * 4 + [True] * 2
    assert results[4:] == ["no_face", "not_an_image"]
    assert done == list(range(7))


# The state ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def processed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The pictures that are processed, in threads of this process so that they can be counted."""
    seen: list[Path] = []

    def template_and_note(path: Path) -> dataset.Result:
        seen.append(path)
        return template_of(path)

    def pool(processes: int, initializer: object) -> ThreadPool:
        return ThreadPool(processes)

    monkeypatch.setattr(dataset, "template_of", template_and_note)
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: SimpleNamespace(Pool=pool))
    return seen


def run(folder: Path, state: State, progress: Callable[[int], None] = lambda done: None) -> list[dataset.Result]:
    return templates_of(samples_in(folder), processes=1, state=state, progress=progress)


def test_an_interrupted_run_continues(folder: Path, tmp_path: Path, processed: list[Path]) -> None:
    def interrupt(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    file = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        run(folder, State(file), interrupt)
    processed.clear()
    progress: list[int] = []
    results = run(folder, State(file), progress.append)
    assert len(processed) == 3
    assert progress == [3, 4, 5, 6]
    for one, other in zip(results, run(folder, State(tmp_path / "other")), strict=True):
        assert np.array_equal(one, other)
    processed.clear()
    assert run(folder, State(file))[4:] == ["no_face", "not_an_image"]
    assert processed == []


def test_a_changed_picture_is_processed_again(folder: Path, tmp_path: Path, processed: list[Path]) -> None:
    run(folder, State(tmp_path / "state"))
    processed.clear()
    (folder / "Grace" / "1.jpg").write_bytes(pictures.another(pictures.hopper()))
    run(folder, State(tmp_path / "state"))
    assert [path.name for path in processed] == ["1.jpg"]


def test_after_a_crash_only_the_cut_off_line_is_lost(folder: Path, tmp_path: Path, processed: list[Path]) -> None:
    file = tmp_path / "state"
    run(folder, State(file))
    content = file.read_bytes()
    for cut, lost in ((content[:-40], 1), (content + b"gAAAAAB", 0), (content[:-1], 1)):
        file.write_bytes(cut)
        processed.clear()
        run(folder, State(file))
        assert len(processed) == lost
        run(folder, State(file))
        assert len(processed) == lost  # what was added after the damage can be read


def test_the_state_is_encrypted_and_readable_by_its_owner_only(
    folder: Path, tmp_path: Path, processed: list[Path]
) -> None:
    file = tmp_path / "state"
    results = run(folder, State(file))
    content = file.read_bytes()
    assert b"Grace" not in content
    assert all(result.tobytes() not in content for result in results if not isinstance(result, str))
    assert file.stat().st_mode & 0o077 == 0


def test_the_state_can_be_read_after_a_key_rotation(
    folder: Path, tmp_path: Path, processed: list[Path], settings: Settings
) -> None:
    run(folder, State(tmp_path / "state"))
    processed.clear()
    old = settings.FACEAUTH["ENCRYPTION_KEYS"]
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [Fernet.generate_key().decode(), *old]}
    run(folder, State(tmp_path / "state"))
    assert processed == []
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [Fernet.generate_key().decode()]}
    with pytest.raises(StateUnusable, match="ENCRYPTION_KEYS"):
        run(folder, State(tmp_path / "state"))


def test_templates_of_another_model_are_not_mixed_in(
    folder: Path, tmp_path: Path, processed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, State(tmp_path / "state"))
    monkeypatch.setitem(vision.DIGESTS, "another model", "0")
    with pytest.raises(StateUnusable, match="older version"):
        run(folder, State(tmp_path / "state"))


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "diary"
    file.write_text("Dear diary,\nno state file.\n")
    with pytest.raises(StateUnusable, match="not a state file"):
        State(file).read()
    assert file.read_text() == "Dear diary,\nno state file.\n"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="cannot be used"):
        State(tmp_path / "missing" / "state").read()


def test_without_keys_no_state_is_kept(tmp_path: Path, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": []}
    with pytest.raises(StateUnusable, match="ENCRYPTION_KEYS"):
        State(tmp_path / "state")
