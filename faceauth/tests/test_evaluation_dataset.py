from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceauth.evaluation.dataset import NothingToMeasure, samples_in, template_of, templates_of
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
    assert done == [1, 2, 3, 4, 5, 6]
