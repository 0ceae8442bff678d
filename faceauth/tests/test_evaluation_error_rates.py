from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray

from faceauth.evaluation.det_plot import FORMATS, write_det_plot
from faceauth.evaluation.error_rates import (
    Comparisons,
    TooFew,
    verification,
)
from faceauth.evaluation.identification import identification
from faceauth.vision import similarity

pytestmark = pytest.mark.slow


def people(count: int, pictures: int, spread: float, seed: int = 0) -> Comparisons:
    """Templates of people in random directions; the more `spread`, the less alike are two pictures of one."""
    random = np.random.default_rng(seed)
    directions = unit(random.standard_normal((count, 128)))
    templates = unit(np.repeat(directions, pictures, axis=0) + spread * random.standard_normal((count * pictures, 128)))
    return Comparisons(templates.astype(np.float32), np.repeat(np.arange(count) * 7, pictures))


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def by_hand(comparisons: Comparisons, cosine: float) -> tuple[float, float, float]:
    """FMR, FNMR, and FNMR of people, from every single pair."""
    matches, impostors = 0, 0
    rejected: dict[int, list[bool]] = {}
    for i, one in enumerate(comparisons.templates):
        for j in range(i):
            accepted = float(one @ comparisons.templates[j]) >= cosine
            if comparisons.people[i] == comparisons.people[j]:
                rejected.setdefault(int(comparisons.people[i]), []).append(not accepted)
            else:
                impostors += 1
                matches += accepted
    every = [reject for rejects in rejected.values() for reject in rejects]
    return matches / impostors, float(np.mean(every)), float(np.mean([np.mean(one) for one in rejected.values()]))


def test_rates_equal_those_of_counting_every_pair() -> None:
    random = np.random.default_rng(5)
    few = people(12, 3, 0.15)
    keep = random.random(len(few.people)) < 0.8  # people with one, two and three pictures
    comparisons = Comparisons(few.templates[keep][::-1], few.people[keep][::-1])  # and in no order
    found = verification(comparisons)
    for at in found.thresholds:
        expected = by_hand(comparisons, at.cosine)
        assert (at.fmr.value, at.fnmr.value, at.fnmr_of_people.value) == pytest.approx(expected)
    genuine = sum(count * (count - 1) // 2 for count in np.bincount(comparisons.people))
    assert found.genuine_comparisons == genuine
    assert found.impostor_comparisons == len(comparisons.people) * (len(comparisons.people) - 1) // 2 - genuine


def test_the_block_size_does_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = verification(people(30, 3, 0.15))
    monkeypatch.setattr("faceauth.evaluation.error_rates.BLOCK", 7)
    assert verification(people(30, 3, 0.15)) == whole


def test_a_threshold_keeps_to_the_wanted_rate() -> None:
    comparisons = people(200, 2, 0.1)
    for wanted in (1e-1, 1e-2, 1e-3):
        cosine = comparisons.cosine_for(wanted)
        assert by_count(comparisons, cosine) <= wanted
        assert by_count(comparisons, cosine - 0.0002) > wanted * 0.9


def by_count(comparisons: Comparisons, cosine: float) -> float:
    first, _, _ = comparisons.close_impostors(cosine)
    return len(first) / comparisons.impostors


def test_a_rate_that_cannot_be_measured_is_left_out() -> None:
    found = verification(people(20, 2, 0.1), wanted=[1e-1, 1e-9])
    assert 1e-1 in [at.fmr for at in found.curve]
    assert 1e-9 not in [at.fmr for at in found.curve]


def test_intervals_contain_the_true_rate_about_as_often_as_they_claim() -> None:
    """The FNMR of a made-up world is known; 95 % intervals of 40 samples from it may miss it a few times."""
    truth = rates(people(4000, 2, 0.085, seed=99))
    hits = 0
    for seed in range(40):
        at = verification(people(60, 2, 0.085, seed)).thresholds[-1]
        hits += at.fnmr.low <= truth <= at.fnmr.high
    assert hits >= 34


def rates(comparisons: Comparisons) -> float:
    cosine = similarity.to_cosine(99)
    return float(comparisons.false_non_matches(cosine).sum() / len(comparisons.genuine_cosines))


def test_intervals_allow_for_comparisons_that_share_a_person() -> None:
    """Where one of many people is never recognised, comparisons alone would be far too sure of it."""
    random = np.random.default_rng(1)
    comparisons = people(30, 8, 0.01)
    comparisons.templates[:8] = unit(random.standard_normal((8, 128)))
    worst = Comparisons(comparisons.templates, comparisons.people)
    at = verification(worst).thresholds[2]
    assert at.fnmr.value == pytest.approx(1 / 30)
    assert at.fnmr.low == 0
    assert at.fnmr.high > 0.08  # counted as 840 independent comparisons it would be 0.048


def test_the_interval_is_not_zero_where_no_error_was_seen() -> None:
    at = verification(people(50, 2, 0.001)).thresholds[-1]
    assert (at.fnmr.value, at.fnmr.low) == (0, 0)
    assert at.fnmr.high == pytest.approx(3 / 50)
    assert at.fmr.high == pytest.approx(3 / (50 * 49 / 2))


def test_fpir_rises_with_the_number_of_people() -> None:
    comparisons = people(500, 2, 0.06)
    found = identification(comparisons, verification(comparisons).thresholds)
    loosest = [row for row in found if row.similarity == 80]
    assert [row.enrolled for row in loosest] == [10, 30, 100, 300]
    rising = [row.fpir.value for row in loosest]
    assert rising == sorted(rising)
    for row in found:
        assert 0 <= row.fpir.low <= row.fpir.value <= row.fpir.high <= 1
        assert row.fpir.value == pytest.approx(row.fpir_expected, abs=0.02)
        assert row.fnir.low <= row.fnir.value <= row.fnir.high


def test_fnir_is_zero_where_all_pictures_of_a_person_are_alike() -> None:
    comparisons = people(40, 2, 0.001)
    for row in identification(comparisons, verification(comparisons).thresholds):
        assert row.fnir.value == 0


def test_fnir_is_high_where_pictures_of_a_person_differ() -> None:
    random = np.random.default_rng(0)
    comparisons = Comparisons(unit(random.standard_normal((80, 128))).astype(np.float32), np.repeat(np.arange(40), 2))
    for row in identification(comparisons, verification(comparisons).thresholds):
        assert row.fnir.value > 0.9


@pytest.mark.parametrize(("owners", "message"), [([0, 0, 0], "two people"), ([0, 1, 2], "two usable pictures")])
def test_too_few_to_compare(owners: list[int], message: str) -> None:
    templates = np.eye(3, 128, dtype=np.float32)
    with pytest.raises(TooFew, match=message):
        Comparisons(templates, np.array(owners))


def test_a_cosine_beyond_the_ends_is_counted_in_the_last_bin() -> None:
    """Rounding makes a cosine of two equal templates slightly more than 1."""
    one = unit(np.ones((1, 128))).astype(np.float32)
    comparisons = Comparisons(np.concatenate([one, one, -one, -one]) * np.float32(1.000001), np.array([0, 1, 0, 1]))
    assert comparisons.impostors == 4
    assert by_count(comparisons, 0.9999) == 0.5


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_plot_is_written_in_each_format(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"det{suffix}"
    write_det_plot(verification(people(100, 2, 0.1)), path)
    assert {".svg": b"<svg", ".png": b"PNG", ".pdf": b"%PDF"}[suffix] in path.read_bytes()


def test_the_plot_has_both_rates_and_every_threshold(tmp_path: Path) -> None:
    found = verification(people(100, 2, 0.1))
    with mock.patch("matplotlib.figure.Figure.savefig", autospec=True) as savefig:
        write_det_plot(found, tmp_path / "det.svg")
    (axes,) = savefig.call_args.args[0].axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn["all comparisons"] == [[at.fmr, at.fnmr] for at in found.curve]
    assert drawn["each person once"] == [[at.fmr, at.fnmr_of_people] for at in found.curve]
    assert [text.get_text().strip() for text in axes.texts] == ["80", "85", "90", "95", "99"]
