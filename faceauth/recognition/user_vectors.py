"""User vectors: Rekognition makes one of all the faces of a person, and finds them by it better than by any alone.

A collection that has none (an older region, a policy without the operations) is searched by single faces.
"""

import logging
import uuid
from typing import TYPE_CHECKING

from faceauth.models import Face
from faceauth.outcomes import Refusal
from faceauth.rekognition.collection import Collection, Match
from faceauth.rekognition.errors import CredentialsRefused, NotOffered, RekognitionError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)


def user_id_of(user: "User") -> str:
    """The user's name in Rekognition: what their faces have, or their own if it is a UUID, or a new one.

    Never a name that somebody chose: another user might have it later, and with it what was not deleted yet.
    """
    known = next((face for face in Face.objects.filter(user_id=user.pk) if face.is_sealed()), None)
    if known:
        return known.person
    try:
        return str(uuid.UUID(user.get_username()))
    except ValueError:
        return str(uuid.uuid4())


def search(collection: Collection, jpeg: bytes, least: float) -> list[Match] | Refusal:
    """Whose vector looks like the picture; nobody's where there are no vectors."""
    try:
        return collection.search_users(jpeg, least)
    except (NotOffered, CredentialsRefused) as error:  # wrong credentials are said by the search for faces as well
        logger.warning("Vectors cannot be searched, so single faces are: %s", error)
        return []


def renew(user: "User") -> None:
    """Make the user's vectors of all their sealed faces. Where that fails, they are recognised by single faces."""
    for collection_id in (
        Face.objects.filter(user_id=user.pk).order_by().values_list("collection_id", flat=True).distinct()
    ):
        faces = [face for face in Face.objects.filter(user_id=user.pk, collection_id=collection_id) if face.is_sealed()]
        if not faces:
            continue
        person = user_id_of(user)
        collection = Collection(collection_id)
        face_ids = [str(face.face_id) for face in faces]
        try:
            collection.create_user(person)
            left_out = collection.associate(person, face_ids)
        except RekognitionError as error:
            logger.warning("The vector of %s could not be made: %s", person, error)
        else:
            Face.objects.filter(face_id__in=set(face_ids) - left_out).update(associated=True)
