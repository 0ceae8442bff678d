"""The detector's scores of faces and of what is no face: `python -m benchmarks.confidence FOLDER --labels FILE`.

Faces: the middle one of each picture of a set like Labeled Faces in the Wild, and every fourth once more, spoiled in
turn (blurred, dark, half covered, small). Besides, what the detector finds in the four strips beside that face: mostly
bystanders, whom nothing labels. So `--sheets NEW_FOLDER` writes what was found there as pictures of a hundred each, for
the eye, and `--no-faces FILE` takes a JSON list of the numbers of those that are no faces.

The table has faces and no faces by score. The shares are made to rise with the score by pooling neighbours (the
pool-adjacent-violators algorithm); where all are faces, a share is what 95 % allow by the rule of three.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from benchmarks.people import parser
from faceauth.evaluation import dataset, labels
from faceauth.evaluation.labels import Labels
from faceauth.vision.faces import Face, find_faces
from faceauth.vision.photos import Pixels

EDGES = (0, 60, 65, 70, 75, 80, 82.5, 85, 87.5, 90, 92, 94, 96, 100.01)
THUMBNAIL, COLUMNS, ROWS = 96, 10, 10

Found = tuple[float, Pixels]


def main() -> None:
    arguments = parser("benchmarks.confidence", (__doc__ or "").split("\n")[0])
    arguments.add_argument("--sheets", type=Path, help="write what was found beside the faces, for the eye")
    arguments.add_argument("--no-faces", type=Path, help="a JSON list: the numbers of those that are no faces")
    arguments.add_argument("--every", type=int, default=1, help="of how many pictures one is taken (%(default)s)")
    told = arguments.parse_args()
    known = labels.read(told.labels) if told.labels else Labels()
    paths = [sample.path for sample in labels.applied(dataset.samples_in(told.folder), known)][:: told.every]
    faces, others = measured(paths)
    if told.sheets:
        write_sheets(others, told.sheets)
    wrong = set(json.loads(told.no_faces.read_text())) if told.no_faces else set()
    no_faces = [score for number, (score, _) in enumerate(others) if number in wrong]
    faces += [score for number, (score, _) in enumerate(others) if number not in wrong]
    print(f"{len(paths)} pictures, {len(faces)} faces, {len(others)} found beside the middle ones")
    for low, high, count, none in binned(faces, no_faces):
        print(f"{low:6.1f} to {min(high, 100):6.1f} {count:7} {none:5}  {share(count, none):.4f}")
    print(pooled(binned(faces, no_faces)))


def measured(paths: list[Path]) -> tuple[list[float], list[Found]]:
    """The scores of faces, and what was found beside them with its score."""
    faces: list[float] = []
    others: list[Found] = []
    for number, path in enumerate(paths):
        image = Image.open(path).convert("RGB")
        pixels = np.asarray(image)
        middle = middle_face(pixels)
        if middle is None:
            continue
        faces.append(middle.confidence)
        others += [found for strip in strips(pixels, middle) for found in found_in(strip)]
        if number % 4 == 0:
            spoiled = middle_face(np.asarray(SPOILED[number // 4 % len(SPOILED)](image)))
            faces += [spoiled.confidence] if spoiled else []
    return faces, others


def middle_face(pixels: Pixels) -> Face | None:
    height, width = pixels.shape[:2]

    def holds_the_middle(face: Face) -> bool:
        box = face.box
        across, down = width / 2 - box.left, height / 2 - box.top
        return bool(0 < across < box.width and 0 < down < box.height)

    return next(filter(holds_the_middle, find_faces(pixels)), None)


def strips(pixels: Pixels, face: Face) -> Iterator[Pixels]:
    """What lies left, right, above and below the face, with a tenth of it between; not where that is too narrow."""
    box = face.box
    left, right = int(box.left - box.width / 10), int(box.left + 1.1 * box.width)
    top, bottom = int(box.top - box.height / 10), int(box.top + 1.1 * box.height)
    for area in (np.s_[:, : max(left, 0)], np.s_[:, right:], np.s_[: max(top, 0), :], np.s_[bottom:, :]):
        if min(pixels[area].shape[:2]) >= 30:
            yield np.ascontiguousarray(pixels[area])


def found_in(strip: Pixels) -> Iterator[Found]:
    for face in find_faces(strip):
        left, top, width, height = (int(value) for value in face.box)
        seen = strip[
            max(0, top - height // 3) : top + height * 4 // 3, max(0, left - width // 3) : left + width * 4 // 3
        ]
        yield face.confidence, seen.copy()


def covered(image: Image.Image) -> Image.Image:
    made = image.copy()
    made.paste((90, 90, 90), (0, image.height // 2, image.width, image.height))
    return made


def small(image: Image.Image) -> Image.Image:
    made = Image.new("RGB", (500, 500), (120, 120, 125))
    made.paste(image.resize((60, 60)), (220, 220))
    return made


SPOILED = (
    lambda image: image.filter(ImageFilter.GaussianBlur(5)),
    lambda image: ImageEnhance.Brightness(image).enhance(0.08),
    covered,
    small,
)


def binned(faces: list[float], no_faces: list[float]) -> list[tuple[float, float, int, int]]:
    """From which score to which, how many faces, and how many that are none."""
    counts, wrong = (np.histogram(scores, EDGES)[0] for scores in (faces, no_faces))
    return [*zip(EDGES[:-1], EDGES[1:], counts.tolist(), wrong.tolist(), strict=True)]


def share(count: int, wrong: int) -> float:
    """The share of faces; where all are, the least that it is with 95 %."""
    if not count + wrong:
        return float("nan")
    return count / (count + wrong) if wrong else max(0.0, 1 - 3 / count)


def pooled(bins: list[tuple[float, float, int, int]]) -> list[tuple[float, float]]:
    """(middle score, share of faces) of bins that were joined until the shares rise."""
    joined: list[list[float]] = []
    for low, high, count, wrong in bins:
        if not count + wrong:
            continue
        joined.append([low, high, count, wrong])
        while len(joined) > 1 and share(*ints(joined[-1])) < share(*ints(joined[-2])):
            last = joined.pop()
            joined[-1] = [joined[-1][0], last[1], joined[-1][2] + last[2], joined[-1][3] + last[3]]
    return [((max(low, 0) + min(high, 100)) / 2, round(100 * share(int(n), int(w)), 3)) for low, high, n, w in joined]


def ints(one: list[float]) -> tuple[int, int]:
    return int(one[2]), int(one[3])


def write_sheets(others: list[Found], folder: Path) -> None:
    """A hundred finds each, in the order of their numbers, row by row."""
    folder.mkdir()
    for first in range(0, len(others), COLUMNS * ROWS):
        sheet = Image.new("RGB", (COLUMNS * THUMBNAIL, ROWS * THUMBNAIL))
        for place, (_, seen) in enumerate(others[first : first + COLUMNS * ROWS]):
            image = Image.fromarray(seen)
            image.thumbnail((THUMBNAIL, THUMBNAIL))
            sheet.paste(image, (place % COLUMNS * THUMBNAIL, place // COLUMNS * THUMBNAIL))
        sheet.save(folder / f"{first:06}.png")


if __name__ == "__main__":
    main()
