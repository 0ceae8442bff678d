"""What a health check can find, and how it waits for Rekognition."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from faceauth.models import Deletion
from faceauth.privacy import deletion_ledger
from faceauth.rekognition.errors import Throttled

Result = TypeVar("Result")

BATCH = 1000  # rows or ids in one query

# Seconds to wait after each answer that says "too many requests". After the last one the check ends, incomplete.
WAITS = (1, 2, 4, 8, 15, 30)

REPAIR_HINT = "--repair fixes it"


class Kind(StrEnum):
    UNFINISHED_DELETION = "unfinished_deletion"
    UNFINISHED_ENROLMENT = "unfinished_enrolment"
    FACE_WITHOUT_USER = "face_without_user"
    USER_WITHOUT_FACE = "user_without_face"
    FACE_MISSING = "face_missing"
    INACTIVE_USER = "inactive_user"
    WRONG_MODEL = "wrong_model_version"
    OTHER_COLLECTION = "other_collection"
    VECTOR_WITHOUT_USER = "vector_without_user"
    DANGLING_ROW = "dangling_row"
    ALTERED_ROW = "altered_row"
    KEY_MISSING = "key_missing"
    OLDER_TEMPLATES = "older_templates"


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference between collection and database: `subject` is a FaceId, or the name of a user, vector or table."""

    kind: Kind
    subject: str
    what: str
    cure: str
    repaired: bool = False


def with_retries(call: Callable[[], Result]) -> Result:
    """Wait and try again while Rekognition is asked too much. Raises `Throttled` after the last of WAITS."""
    for seconds in WAITS:
        try:
            return call()
        except Throttled:
            time.sleep(seconds)
    return call()


def settle(rows: list[Deletion]) -> None:
    """Ask Rekognition again for these deletions, and wait while it is asked too much. The ledger keeps other errors."""
    for seconds in (0, *WAITS):
        time.sleep(seconds)
        mine = Deletion.objects.filter(pk__in=[row.pk for row in rows])
        deletion_ledger.settle(mine)
        if not mine.filter(confirmed=None, error=Throttled.code).exists():
            return
