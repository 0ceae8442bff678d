"""Whether a face is good enough to recognise or to enrol."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from faceauth.outcomes import Reason, Refusal
from faceauth.vision.alignment import Pixels, resized
from faceauth.vision.faces import Box, Face, side_of
from faceauth.vision.measures import Pose

# Set on Labeled Faces in the Wild and on copies of it made worse; docs/models.md has the figures.

# How prominent a face is: its side, over one plus its distance from the middle of the picture in halves of the shorter
# side. A second face that is this prominent beside the largest may be the one that is meant; so may one of the same
# size within a twentieth, since Rekognition searches for the largest and may measure another one so.
RIVAL = 0.62
SAME_SIZE = 0.95
RIVAL_CONFIDENCE = 82.0  # smears and folds have less

# Pixels of the face's box. The recogniser is given about 100: smaller ones are enlarged, and at 30 still recognised,
# but an enrolled picture should be better than that. Amazon advises 50 at least.
LEAST_SIDE = 60.0

# Per cent of white. The faces of Labeled Faces in the Wild have 21 to 76, dark-skinned ones among them; below 8, one
# genuine pair in ten and more is no longer recognised, and above 88 one in three.
DARKEST = 8.0
BRIGHTEST = 88.0
BLOWN_OUT = 250  # a grey value that says nothing any more

# Sharp pictures have 65 to 100; at 43 (a Gaussian of 3 px, where the eyes are 40 px apart) one genuine pair in seven is
# no longer recognised.
LEAST_SHARPNESS = 43.0

# Degrees. Recognition still holds at this yaw, but whoever looks away does not look into the glass; at this roll one
# genuine pair in six is no longer recognised, and a photo that lies on its side is refused with it.
MOST_YAW = 45.0
MOST_PITCH = 30.0
MOST_ROLL = 40.0

# The detector sees faces in smears and folds of cloth too, with up to 78. Real ones that pass all of the above have 88.
LEAST_SURE = 82.0


def judge(faces: Sequence[Face], pixels: Pixels) -> Face | Refusal:
    """The one face of a picture that a notebook may be opened for, or why there is none. Faces as from `find_faces`."""
    if not faces:
        return Refusal(why_no_face(pixels))
    face = faces[0]
    if any(may_be_meant(other, face, pixels) for other in faces[1:]):
        return Refusal(Reason.SEVERAL_FACES)
    if side_of(face.box) < LEAST_SIDE:
        return Refusal(Reason.TOO_SMALL)
    if face.quality.brightness < DARKEST:
        return Refusal(Reason.TOO_DARK)
    if face.quality.brightness > BRIGHTEST:
        return Refusal(Reason.TOO_BRIGHT)
    if face.quality.sharpness < LEAST_SHARPNESS:
        return Refusal(Reason.BLURRED)
    if is_turned_away(face.pose):
        return Refusal(Reason.TURNED_AWAY)
    if face.confidence < LEAST_SURE:
        return Refusal(Reason.NO_FACE)
    return face


class Bounds(NamedTuple):
    """What a face must have beyond what a sign-in asks; see the numbers above for the units."""

    side: float
    darkest: float
    brightest: float
    sharpness: float
    yaw: float
    pitch: float
    roll: float
    length: float


# An enrolled picture decides every later sign-in: a bad picture makes its owner a stranger, with a second and
# empty notebook. A face this good costs a moment, once. Of the first pictures of 150 people in Labeled Faces in the
# Wild, which are of the press and not of people who want to enrol, nine in ten pass.
#
# The length is that of `Face.length`, which one picture in twenty does not have (docs/models.md: it takes half of all
# that is not recognised at one in a million). It only asks for another picture: whoever is recognised by a shorter one
# comes in, and of those with four pictures in that set nobody is without one that has it.
ENROLMENT = Bounds(side=80, darkest=15, brightest=82, sharpness=55, yaw=30, pitch=25, roll=25, length=10.75)


def judge_for_enrolment(faces: Sequence[Face], pixels: Pixels) -> Face | Refusal:
    """The one face of a picture that somebody may be enrolled by, or what to change. Faces as from `find_faces`."""
    face = judge(faces, pixels)
    if isinstance(face, Refusal):
        return face
    least = ENROLMENT
    if side_of(face.box) < least.side:
        return Refusal(Reason.TOO_SMALL)
    if face.quality.brightness < least.darkest:
        return Refusal(Reason.TOO_DARK)
    if face.quality.brightness > least.brightest:
        return Refusal(Reason.TOO_BRIGHT)
    pose = face.pose
    if abs(pose.yaw) > least.yaw or abs(pose.pitch) > least.pitch or abs(pose.roll) > least.roll:
        return Refusal(Reason.TURNED_AWAY)
    if face.quality.sharpness < least.sharpness:
        return Refusal(Reason.BLURRED)
    if face.length < least.length:
        return Refusal(Reason.UNCLEAR)
    return face


def is_turned_away(pose: Pose) -> bool:
    return abs(pose.yaw) > MOST_YAW or abs(pose.pitch) > MOST_PITCH or abs(pose.roll) > MOST_ROLL


def may_be_meant(other: Face, face: Face, pixels: Pixels) -> bool:
    """Whether a second face may be the subject of the picture rather than the largest one, or be taken for it."""
    if other.confidence < RIVAL_CONFIDENCE:
        return False
    if side_of(other.box) >= SAME_SIZE * side_of(face.box):
        return True
    return prominence(other.box, pixels) >= RIVAL * prominence(face.box, pixels)


def prominence(box: Box, pixels: Pixels) -> float:
    """How much a face stands out by its size and place, in pixels: its side in the middle, half of it at an edge."""
    height, width = pixels.shape[:2]
    away = np.hypot(box.left + (box.width - width) / 2, box.top + (box.height - height) / 2)
    return float(side_of(box) / (1 + 2 * away / min(height, width)))


def why_no_face(pixels: Pixels) -> Reason:
    """Nobody is seen: because of the light, or because nobody is there. A picture of one colour shows nobody."""
    grey = np.asarray(cv2.cvtColor(resized(pixels, 64, 64), cv2.COLOR_RGB2GRAY))
    if grey.std() < 1:
        return Reason.NO_FACE
    if grey.mean() / 2.55 < DARKEST:
        return Reason.TOO_DARK
    return Reason.TOO_BRIGHT if np.mean(grey >= BLOWN_OUT) > 0.5 else Reason.NO_FACE
