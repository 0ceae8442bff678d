"""A liveness check outranks a photo: who passes one takes over a notebook that only photos have made and opened."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from faceauth.audit import sessions
from faceauth.enrolment import faces
from faceauth.mfa import resets
from faceauth.models import Face
from faceauth.outcomes import Outcome, Recognition, Refusal, refused
from faceauth.policy import photo_logins
from faceauth.recognition import user_vectors
from faceauth.vision import quality_gate
from faceauth.vision.faces import find_faces
from faceauth.vision.photos import Photo

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def claim(user: "User", photos: Sequence[Photo]) -> Recognition:
    """Keep the notes, and end every way in that was made before: faces, sessions, second factors, photos.

    The faces of the liveness check are enrolled first, so that a failure leaves the notebook as it was. Raises
    `RekognitionError`.
    """
    make_room(user, len(photos))
    before = list(Face.objects.filter(user_id=user.pk).values_list("pk", flat=True))
    kept = 0
    refusal = None
    for photo in photos:
        seen = quality_gate.judge_for_enrolment(find_faces(photo.pixels), photo.pixels)
        added = refused(seen.reason) if isinstance(seen, Refusal) else faces.add_face(user, photo, seen.quality)
        kept += added.user is not None
        refusal = refusal or (added if added.user is None else None)
    if not kept and refusal is not None:
        return refusal
    for face in Face.objects.filter(pk__in=before):
        face.delete()
    Face.objects.filter(user_id=user.pk).update(associated=False)
    user_vectors.renew(user)
    sessions.end_sessions(user)
    resets.remove_all(user)
    photo_logins.note_signed_in(user, "liveness")
    return Recognition(Outcome.RECOGNISED, user=user)


def make_room(user: "User", count: int) -> None:
    """Delete the newest faces where so many more would not fit: whoever enrolled ten shall not keep the owner out."""
    for face in Face.objects.filter(user_id=user.pk).order_by("enrolled", "pk")[faces.MAX_FACES - count :]:
        face.delete()
