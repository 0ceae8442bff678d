import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceauth.vision import mean_template, networks
from faceauth.vision.mean_template import centred, uncentred

SHORT = np.full(128, 0.02)
"""A mean of the length that means have: 0.23."""


def templates(seed: int, count: int = 20) -> mean_template.Templates:
    made = np.random.default_rng(seed).normal(size=(count, 128)) + 0.3
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


@given(st.integers(0, 10_000))
def test_what_is_subtracted_can_be_put_back(seed: int) -> None:
    made = templates(seed)
    there = centred(made, SHORT)
    assert np.linalg.norm(there, axis=1) == pytest.approx(1, abs=1e-6)
    assert np.allclose(uncentred(there, SHORT), made, atol=1e-6)
    assert np.allclose(centred(made[0], SHORT), there[0], atol=1e-7)  # of one as of many
    assert np.allclose(uncentred(there[0], SHORT), made[0], atol=1e-6)


def test_strangers_are_less_alike_without_what_all_share() -> None:
    made = templates(1)
    there = centred(made, mean_template.mean_of(made[:, np.newaxis]))
    others = ~np.eye(len(made), dtype=bool)
    assert (made @ made.T)[others].mean() > 0.05
    assert abs((there @ there.T)[others].mean()) < 0.06


def test_each_person_counts_once_in_the_mean() -> None:
    one, other = np.eye(2, 128, dtype=np.float32)
    assert mean_template.mean_of([[one, one, one], [other]])[:2] == pytest.approx([0.5, 0.5])


def test_a_file_holds_the_mean_and_its_origin() -> None:
    content = mean_template.written(SHORT, {"pictures": "5 of 3 people"})
    assert np.array_equal(mean_template.read(content), SHORT)
    assert content.startswith(b'{\n  "pictures": "5 of 3 people",\n  "mean": [\n    0.020000, ')
    assert max(map(len, content.split(b"\n"))) < 120


def test_the_mean_of_the_site_is_what_its_digest_says() -> None:
    mean = networks.mean()
    assert mean.shape == (networks.TEMPLATE_SIZE,)
    assert 0.25 < np.linalg.norm(mean) < 0.35
