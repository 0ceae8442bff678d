"""No drift: what the collection holds and what the database says of it, compared both ways and mended where it is safe.

Both sides are read a page at a time, so memory does not grow with them. Safe to mend is what can only be a leftover:
a face that opens nothing, under a name that is ours. Whatever might be somebody's is left, and told with its cure.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from faceauth import dangling, ledger, people, sight, vectors
from faceauth.models import Deletion, Enrolment, Examination, Face
from faceauth.people import UNDER_WAY
from faceauth.rekognition.collection import Collection, RememberedFace
from faceauth.rekognition.errors import CredentialsRefused, NotOffered, RekognitionError, Throttled

Result = TypeVar("Result")
Report = Callable[[int], None]

BATCH = 1000  # rows or ids of one query

# Seconds to wait after each time that Rekognition says it is too much; after the last the run ends, incomplete.
PATIENCE = (1, 2, 4, 8, 15, 30)


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
    OLDER_TEMPLATES = "older_templates"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be: `subject` is a FaceId, or the name of a user or vector."""

    kind: Kind
    subject: str
    what: str
    cure: str
    mended: bool = False


MEND = "--repair mends it"

EXAMINATIONS_KEPT = 100  # of a collection; the desk shows the last


def patiently(call: Callable[[], Result]) -> Result:
    """Wait and try again while Rekognition is asked too much. Raises `Throttled` after PATIENCE."""
    for seconds in PATIENCE:
        try:
            return call()
        except Throttled:
            time.sleep(seconds)
    return call()


def examined(collection_id: str, repair: bool = False, report: Report = lambda count: None) -> Iterator[Finding]:
    """As `examine`, and keep for the desk what came of it, also where it ends before its time."""
    examination = Examination(collection_id=collection_id)
    left: Counter[str] = Counter()

    def told(count: int) -> None:
        examination.faces = count
        report(count)

    try:
        for finding in examine(collection_id, repair, told):
            examination.mended += finding.mended
            left[str(finding.kind)] += not finding.mended
            yield finding
    except RekognitionError as error:
        examination.error = error.code
        raise
    except BaseException:  # whoever reads has gone, or Ctrl-C, or the database does not answer
        examination.error = "broken_off"
        raise
    finally:
        examination.found = {kind: count for kind, count in left.items() if count}
        examination.save()
        of_collection = Examination.objects.filter(collection_id=collection_id)
        kept = list(of_collection.values_list("pk", flat=True)[:EXAMINATIONS_KEPT])
        of_collection.exclude(pk__in=kept).delete()


def examine(collection_id: str, repair: bool = False, report: Report = lambda count: None) -> Iterator[Finding]:
    """Everything that is found, as it is found; `report` is told how many faces have been looked at so far.

    Raises `RekognitionError`; what was mended before stays so, and another run goes on.
    """
    sight.sweep()
    collection = Collection(collection_id)
    version = patiently(collection.describe).face_model_version
    yield from dangling_rows(repair)
    yield from unfinished_deletions(repair)
    looked_at = 0
    for page in pages(collection):
        yield from strays(collection, page, version, repair)
        looked_at += len(page)
        report(looked_at)
    yield from unfinished_enrolments(collection_id, repair)
    yield from missing(collection, repair)
    yield from vectors_without_user(collection, repair)
    yield from elsewhere(collection_id)
    yield from of_the_inactive(collection_id)
    yield from without_face()
    if repair:
        renew_vectors(collection_id)


def pages(collection: Collection) -> Iterator[list[RememberedFace]]:
    token = ""
    while True:
        at = token
        page, token = patiently(lambda: collection.page(at))  # noqa: B023 - called at once
        yield page
        if not token:
            return


def batches(rows: QuerySet[Face]) -> Iterator[list[Face]]:
    """The rows in batches, by primary key, so that rows may go in between."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = batch[-1].pk
        yield batch


# The ledger -----------------------------------------------------------------------------------------------------------


def unfinished_deletions(repair: bool) -> Iterator[Finding]:
    last = 0
    while rows := list(Deletion.objects.filter(confirmed=None, pk__gt=last).order_by("pk")[:BATCH]):
        last = rows[-1].pk
        if repair:
            settle(rows)
        gone = set(
            Deletion.objects.filter(pk__in=[row.pk for row in rows])
            .exclude(confirmed=None)
            .values_list("pk", flat=True)
        )
        for row in rows:
            what = f"asked for on {row.requested:%Y-%m-%d %H:%M}, {row.tries} tries, {row.error or 'no error'}"
            yield Finding(Kind.UNFINISHED_DELETION, str(row.face_id), what, MEND, row.pk in gone)


def settle(rows: list[Deletion]) -> None:
    """Ask for them again, and wait while that is too much. Other errors are written down in the ledger."""
    for seconds in (0, *PATIENCE):
        time.sleep(seconds)
        mine = Deletion.objects.filter(pk__in=[row.pk for row in rows])
        ledger.settle(mine)
        if not mine.filter(confirmed=None, error=Throttled.code).exists():
            return


# The collection's side ------------------------------------------------------------------------------------------------


def strays(collection: Collection, page: list[RememberedFace], version: str, repair: bool) -> Iterator[Finding]:
    """Faces of the page that are nobody's, or that do not compare with new ones."""
    rest = iter(page)
    while faces := list(islice(rest, BATCH)):
        for face in faces:
            if face.model_version and face.model_version != version:
                what = f"made by face model {face.model_version}; the collection has {version}"
                yield Finding(Kind.WRONG_MODEL, face.face_id, what, "enrol the person again, from a new photo")
        yield from nobodys(collection, faces, repair)


def nobodys(collection: Collection, faces: list[RememberedFace], repair: bool) -> Iterator[Finding]:
    names = [face.external_id for face in faces]
    ids = [face.face_id for face in faces]
    # In this order: an enrolment that ends in between gives its face a row before its own goes.
    under_way = enrolling(names)
    waiting = {
        str(it) for it in Deletion.objects.filter(face_id__in=ids, confirmed=None).values_list("face_id", flat=True)
    }
    owned = {str(it) for it in Face.objects.filter(face_id__in=ids).values_list("face_id", flat=True)}
    nobodys = [face for face in faces if face.external_id not in under_way and face.face_id not in waiting | owned]
    ours = known([face.external_id for face in nobodys if face.external_id])
    gone = delete(collection, [face for face in nobodys if face.external_id in ours]) if repair else set()
    for face in nobodys:
        if face.external_id in ours:
            what = f"left over from {face.external_id}"
            yield Finding(Kind.FACE_WITHOUT_USER, face.face_id, what, MEND, face.face_id in gone)
        else:
            what = f"nobody here was ever called {face.external_id or 'nothing'}; it may belong to another site"
            cure = f"if it does not, say: rekognition_collection delete-faces {face.face_id}"
            yield Finding(Kind.FACE_WITHOUT_USER, face.face_id, what, cure)


def enrolling(names: list[str]) -> set[str]:
    """Those of the names under which a face is being enrolled at this moment."""
    fresh = Enrolment.objects.filter(external_id__in=names, started__gt=timezone.now() - UNDER_WAY)
    return set(fresh.values_list("external_id", flat=True))


def known(names: list[str]) -> set[str]:
    """Those of the names that this site has given in Rekognition."""
    found = set(Face.objects.filter(person__in=names).values_list("person", flat=True))
    found |= set(Deletion.objects.filter(person__in=names).values_list("person", flat=True))
    return found | set(Enrolment.objects.filter(external_id__in=names).values_list("external_id", flat=True))


def delete(collection: Collection, faces: list[RememberedFace]) -> set[str]:
    """Delete faces that are nobody's, through the ledger; the FaceIds of those that are gone."""
    ids = [face.face_id for face in faces]
    with transaction.atomic():
        # A face that was said to be gone and is here all the same is asked for once more.
        Deletion.objects.filter(face_id__in=ids).update(confirmed=None)
        Deletion.objects.bulk_create(
            [Deletion(face_id=face.face_id, collection_id=collection.id, person=face.external_id) for face in faces],
            ignore_conflicts=True,
        )
    rows = Deletion.objects.filter(face_id__in=ids)
    settle(list(rows))
    return {str(it) for it in rows.exclude(confirmed=None).values_list("face_id", flat=True)}


def vectors_without_user(collection: Collection, repair: bool) -> Iterator[Finding]:
    users = collection.users()
    while names := list(islice(patient_users(users), BATCH)):
        here = set(Face.objects.filter(person__in=names).values_list("person", flat=True))
        here |= enrolling(names)
        # Those that the ledger is to delete were told already.
        here |= set(Deletion.objects.filter(person__in=names, confirmed=None).values_list("person", flat=True))
        ours = known(names)
        for name in names:
            if name in here:
                continue
            if name in ours and repair:
                patiently(lambda: collection.delete_user(name))  # noqa: B023 - called at once
            cure = MEND if name in ours else "if it is not another site's, delete it with the AWS CLI: delete-user"
            yield Finding(Kind.VECTOR_WITHOUT_USER, name, "a vector of nobody here", cure, name in ours and repair)


def patient_users(users: Iterator[str]) -> Iterator[str]:
    """The names of the vectors; none where the collection has none to offer."""
    try:
        yield from users
    except (NotOffered, CredentialsRefused):
        return


# The database's side --------------------------------------------------------------------------------------------------


def unfinished_enrolments(collection_id: str, repair: bool) -> Iterator[Finding]:
    """After the collection was looked through: what was indexed under these names is in the ledger by now."""
    stale = Enrolment.objects.filter(collection_id=collection_id, started__lt=timezone.now() - UNDER_WAY)
    for intent in stale.order_by("pk").iterator(chunk_size=BATCH):
        if repair:
            intent.delete()
        what = f"begun on {intent.started:%Y-%m-%d %H:%M}"
        yield Finding(Kind.UNFINISHED_ENROLMENT, intent.external_id, what, MEND, repair)


def missing(collection: Collection, repair: bool) -> Iterator[Finding]:
    """Faces that the database has and the collection does not. The newest may not have reached all of AWS yet."""
    settled = Face.objects.filter(collection_id=collection.id, remembered__lt=timezone.now() - UNDER_WAY)
    for faces in batches(settled.select_related("user")):
        ids = [str(face.face_id) for face in faces]
        there = {face.face_id for face in patiently(lambda: collection.page(face_ids=ids))[0]}  # noqa: B023
        for face in faces:
            if str(face.face_id) in there or not Face.objects.filter(pk=face.pk).exists():
                continue
            spare = Face.objects.filter(user_id=face.user_id, face_id__in=there).exclude(pk=face.pk).exists()
            if spare and repair:
                face.delete()  # through the ledger, where Rekognition confirms that it is gone
            what = f"a look of {face.user.get_username()}, which the collection does not hold"
            enrol = (
                f"it is their last: rekognition_collection enrol {face.user.get_username()} PHOTO, or delete the user"
            )
            yield Finding(Kind.FACE_MISSING, str(face.face_id), what, MEND if spare else enrol, spare and repair)


def dangling_rows(repair: bool) -> Iterator[Finding]:
    """Our own rows whose user, or whatever they belong to, is gone; other apps' rows are left to whoever knows them."""
    for found in dangling.dangling_rows():
        ours = found.row._meta.app_label == Face._meta.app_label
        if ours and repair:
            dangling.let_go(found)
        cure = MEND if ours else "restore what it belongs to from a backup, or delete the row"
        yield Finding(Kind.DANGLING_ROW, found.name, found.what, cure, ours and repair)


def elsewhere(collection_id: str) -> Iterator[Finding]:
    for faces in batches(Face.objects.exclude(collection_id=collection_id).select_related("user")):
        for face in faces:
            what = f"{face.user.get_username()} is remembered in the collection {face.collection_id} instead"
            cure = "set REKOGNITION_COLLECTION to it, or enrol the person here"
            yield Finding(Kind.OTHER_COLLECTION, str(face.face_id), what, cure)


def of_the_inactive(collection_id: str) -> Iterator[Finding]:
    rows = Face.objects.filter(collection_id=collection_id, user__is_active=False).select_related("user")
    for faces in batches(rows):
        for face in faces:
            what = f"{face.user.get_username()} is inactive, and still remembered"
            yield Finding(Kind.INACTIVE_USER, str(face.face_id), what, "make the user active again, or delete them")


def without_face() -> Iterator[Finding]:
    """People who cannot come in: they have neither a face nor a password."""
    users = get_user_model()._default_manager.filter(faces=None).order_by("pk")
    for user in users.iterator(chunk_size=BATCH):
        if user.has_usable_password() or people.operator(user):
            continue
        name = user.get_username()
        cure = f"rekognition_collection enrol {name} PHOTO, or delete the user"
        yield Finding(Kind.USER_WITHOUT_FACE, name, "has no face and no password, and cannot come in", cure)


def renew_vectors(collection_id: str) -> None:
    """Make the vectors that are not made of all a person's faces: a crash came between, or Rekognition was away."""
    faces = Face.objects.filter(collection_id=collection_id, associated=False).select_related("user")
    last = 0
    while face := faces.filter(user_id__gt=last).order_by("user_id").first():
        vectors.renew(face.user)
        last = face.user_id
