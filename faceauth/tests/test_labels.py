import json
from pathlib import Path

import numpy as np
import pytest

from faceauth.evaluation import error_rates, labels
from faceauth.evaluation.dataset import Sample
from faceauth.evaluation.labels import Labels, LabelsUnusable

CONTENT = {
    "one_person_two_names": [["Ada", "Augusta"]],
    "label_cannot_be_told": ["Ada_0002.jpg"],
    "shows_somebody_else": ["Alan/1.jpg"],
    "relatives_or_twins": [["Augusta", "Byron"], ["Ada", "Nobody"]],
}


@pytest.fixture
def known(tmp_path: Path) -> Labels:
    file = tmp_path / "labels.json"
    file.write_text(json.dumps(CONTENT))
    return labels.read(file)


@pytest.fixture
def samples() -> list[Sample]:
    files = ["Ada/Ada_0001.jpg", "Ada/Ada_0002.jpg", "Alan/1.jpg", "Augusta/1.jpg", "Byron/1.jpg"]
    folders = sorted({file.split("/")[0] for file in files})
    return [Sample(folders.index(file.split("/")[0]), Path("lfw") / file) for file in files]


def test_second_names_are_merged_and_wrong_pictures_left_out(known: Labels, samples: list[Sample]) -> None:
    kept = labels.applied(samples, known)
    assert [(one.person, one.path.as_posix()) for one in kept] == [
        (0, "lfw/Ada/Ada_0001.jpg"),
        (0, "lfw/Augusta/1.jpg"),
        (1, "lfw/Byron/1.jpg"),
    ]


def test_relatives_are_found_by_either_name_where_both_are_there(known: Labels, samples: list[Sample]) -> None:
    assert labels.related(labels.applied(samples, known), known) == [(0, 1)]


def test_without_labels_everything_stays(samples: list[Sample]) -> None:
    assert labels.applied(samples, Labels()) == samples
    assert labels.related(samples, Labels()) == []


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[]",
        '{"one_person_two_name": []}',
        '{"one_person_two_names": [["Ada"]]}',
        '{"relatives_or_twins": [["Ada", "Ada"]]}',
        '{"shows_somebody_else": [1]}',
    ],
)
def test_labels_that_cannot_be_meant_are_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    file.write_text(content)
    with pytest.raises(LabelsUnusable, match=r"labels\.json"):
        labels.read(file)


def test_labels_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(LabelsUnusable, match="cannot be read"):
        labels.read(tmp_path / "none.json")


def test_relatives_are_no_impostors_and_are_counted_apart() -> None:
    """Four people, of whom the first two are twins: alike in one of their two comparisons."""
    templates = np.zeros((6, 128), np.float32)
    for row, place in enumerate((0, 1, 0, 2, 3, 3)):
        templates[row, place] = 1
    people = np.array([7, 7, 8, 9, 10, 10])
    all_of_them = error_rates.Comparisons(templates, people)
    apart = error_rates.Comparisons(templates, people, [(7, 8), (7, 100)])
    assert (all_of_them.impostors, apart.impostors) == (13, 11)
    assert error_rates.verification(all_of_them).thresholds[-1].fmr.value == pytest.approx(1 / 13)
    assert error_rates.verification(apart).thresholds[-1].fmr.value == 0
    twins = error_rates.relatives(apart)[-1]
    assert (twins.pairs, twins.share, twins.any_picture) == (1, 0.5, 1)
    assert error_rates.relatives(all_of_them) == []
