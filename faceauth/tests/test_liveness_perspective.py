"""A head that comes closer, and a picture that is brought closer."""

import base64
from collections.abc import Callable

import numpy as np
import pytest

from faceauth.liveness import perspective as perspective
from faceauth.tests import films, pictures
from faceauth.tests.warps import warped
from faceauth.vision import alignment, faces

Portrait = Callable[[], bytes]


def lines(scene: alignment.Pixels) -> str:
    face = faces.find_faces(scene)[0]
    return perspective.lines_of(alignment.aligned(scene, face.landmarks))


def picture(portrait: Portrait) -> films.Picture:
    found = films.usable(portrait())
    assert found is not None
    return found


Show = Callable[[films.Picture, np.random.Generator, float], alignment.Pixels]


def head(shown: films.Picture, chance: np.random.Generator, zoom: float) -> alignment.Pixels:
    return warped(shown, chance, away=600.0 / zoom, place=films.somewhere(chance)[0])


def print_(shown: films.Picture, chance: np.random.Generator, zoom: float) -> alignment.Pixels:
    return films.placed(shown, films.somewhere(chance)[0], zoom, chance)


def lags(show: Show, portrait: Portrait) -> list[float]:
    """Of a few frames that have come closer, against the first three."""
    chance, shown = np.random.default_rng(0), picture(portrait)
    far = [lines(show(shown, chance, 1.0)) for _ in range(3)]
    near = [lines(show(shown, chance, zoom)) for zoom in (1.25, 1.3, 1.35, 1.4, 1.4, 1.4)]
    return [lag for one in near for lag in perspective.lags_of(far, one)]


@pytest.mark.parametrize("portrait", [pictures.hopper, pictures.collins])
def test_the_nose_of_a_head_grows_faster_than_its_sides(portrait: Portrait) -> None:
    found = lags(head, portrait)
    assert found
    assert not perspective.is_flat(found)


@pytest.mark.parametrize("portrait", [pictures.hopper, pictures.collins])
def test_those_of_a_print_grow_alike(portrait: Portrait) -> None:
    assert perspective.is_flat(lags(print_, portrait))


def test_nothing_is_certain_of_another_face() -> None:
    chance = np.random.default_rng(0)
    far = lines(films.placed(picture(pictures.hopper), films.MIDDLE, 1.0, chance))
    near = lines(films.placed(picture(pictures.collins), films.MIDDLE, 1.4, chance))
    assert perspective.lags_of([far], near) == ()
    assert perspective.lags_of([""], near) == perspective.lags_of([far], "") == ()
    assert not perspective.is_flat(())


def test_no_picture_is_kept() -> None:
    """Nine lines of a byte for each point: a face has 112 of them."""
    kept = base64.b64decode(lines(films.placed(picture(pictures.hopper), films.MIDDLE, 1.0, np.random.default_rng(0))))
    assert len(kept) == 9 * 112
