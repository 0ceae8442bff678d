import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceauth.evaluation import dataset, error_rates
from faceauth.tests.pictures import FACES, needs_faces
from faceauth.vision import similarity
from faceauth.vision.similarity import CURVE, from_cosine, to_cosine

cosines = st.floats(-1, 1)
similarities = st.floats(0, 100)


@pytest.mark.parametrize(("fmr", "expected"), [(1e-3, 80), (1e-4, 90), (1e-5, 99)])
def test_similarity_means_a_false_match_rate(fmr: float, expected: float) -> None:
    assert similarity.of_fmr(fmr) == pytest.approx(expected)
    (cosine,) = (CURVE[point] for point in CURVE if point == pytest.approx(fmr))
    assert from_cosine(cosine) == pytest.approx(expected)
    assert to_cosine(expected) == pytest.approx(cosine)


def test_in_between_it_follows_the_logarithm_of_the_rate() -> None:
    assert similarity.of_fmr(10**-3.5) == pytest.approx(85)
    assert similarity.of_fmr(10**-4.5) == pytest.approx(94.5)


def test_the_ends() -> None:
    assert from_cosine(1.0) == 100
    assert from_cosine(-1.0) == 0
    assert to_cosine(0.0) == -1
    # The same picture twice, as rounded to 32 bits.
    assert from_cosine(float(np.nextafter(np.float32(1), np.float32(0)))) == 100
    assert to_cosine(100.0) <= 1 - 1e-6


@given(cosines, cosines)
def test_it_never_falls(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= from_cosine(low) <= from_cosine(high) <= 100


@given(similarities)
def test_back_and_forth(value: float) -> None:
    assert from_cosine(to_cosine(value)) == pytest.approx(value, abs=1e-9)


def test_arrays_and_numbers_are_answered_in_kind() -> None:
    values = np.linspace(-1, 1, 101)
    assert np.array_equal(from_cosine(values), [from_cosine(float(value)) for value in values])
    assert from_cosine(values.astype(np.float32)).dtype == np.float64
    percents = np.linspace(0, 100, 101)
    assert np.array_equal(to_cosine(percents), [to_cosine(float(value)) for value in percents])
    assert isinstance(from_cosine(0.5), float)
    assert isinstance(to_cosine(90), float)


@needs_faces
@pytest.mark.slow
def test_the_map_holds_on_people_by_the_thousand() -> None:
    """FMR at 80, 90 and 99 within a factor of two of 1e-3, 1e-4 and 1e-5, with one picture of every third person."""
    first = [sorted(folder.iterdir())[0] for folder in sorted((FACES / "lfw").iterdir())[::3]]
    found = [dataset.Sample(number, path) for number, path in enumerate(first)]
    made = dataset.templates_of(found, processes=2)
    templates = np.stack([template for template in made if not isinstance(template, str)])
    assert len(templates) > 1400
    rows, columns = np.triu_indices(len(templates), 1)
    impostors = from_cosine((templates @ templates.T)[rows, columns])
    for threshold, fmr in ((80, 1e-3), (90, 1e-4), (99, 1e-5)):
        assert fmr / 2 < (impostors >= threshold).mean() < fmr * 2


def test_the_curve_has_points_where_calibrate_measures() -> None:
    assert set(CURVE) <= set(error_rates.CURVE_FMR)
