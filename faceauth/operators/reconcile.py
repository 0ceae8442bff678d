"""The health check: compare the collection with the database, both ways, and repair what is safe to repair.

Both sides are read a page at a time, so memory does not grow with them. Only leftovers are repaired: rows of nobody,
and faces that this site enrolled and that sign nobody in. What may be somebody's is reported with its cure.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from faceauth.liveness import sessions
from faceauth.mfa import resets
from faceauth.models import HealthCheck
from faceauth.operators import collection_checks, database_checks
from faceauth.operators.findings import Finding, with_retries
from faceauth.rekognition.collection import Collection
from faceauth.rekognition.errors import RekognitionError

Report = Callable[[int], None]

CHECKS_KEPT = 100  # for each collection; the dashboard shows the last


def reconciled(collection_id: str, repair: bool, report: Report) -> Iterator[Finding]:
    """As `reconcile`, and record in `HealthCheck` what is left, also when the check ends early."""
    health_check = HealthCheck(collection_id=collection_id)
    left: Counter[str] = Counter()

    def count_faces(count: int) -> None:
        health_check.faces = count
        report(count)

    try:
        for finding in reconcile(collection_id, repair, count_faces):
            health_check.repaired += finding.repaired
            left[str(finding.kind)] += not finding.repaired
            yield finding
    except RekognitionError as error:
        health_check.error = error.code
        raise
    except BaseException:  # the reader stopped, or Ctrl-C, or the database does not answer
        health_check.error = "interrupted"
        raise
    finally:
        health_check.found = {kind: count for kind, count in left.items() if count}
        health_check.save()
        of_collection = HealthCheck.objects.filter(collection_id=collection_id)
        kept = list(of_collection.values_list("pk", flat=True)[:CHECKS_KEPT])
        of_collection.exclude(pk__in=kept).delete()


def reconcile(collection_id: str, repair: bool = False, report: Report = lambda count: None) -> Iterator[Finding]:
    """Yield everything that is found, as it is found; `report` gets the number of faces checked so far.

    Raises `RekognitionError`. What was repaired before that stays repaired, and another run finds the rest.
    """
    sessions.sweep()
    resets.apply_all_due()
    collection = Collection(collection_id)
    version = with_retries(collection.describe).face_model_version
    yield from database_checks.dangling_rows(repair)  # first: what they own is a leftover for the other checks
    yield from database_checks.altered_rows()
    yield from database_checks.put_back_rows()
    yield from database_checks.unfinished_deletions(repair)
    checked = 0
    for page in collection_checks.pages(collection):
        yield from collection_checks.faces(collection, page, version, repair)
        checked += len(page)
        report(checked)
    yield from database_checks.unfinished_enrolments(collection_id, repair)
    yield from collection_checks.missing_faces(collection, repair)
    yield from collection_checks.vectors_without_user(collection, repair)
    yield from database_checks.faces_in_other_collections(collection_id)
    yield from database_checks.faces_of_inactive_users(collection_id)
    yield from database_checks.users_without_face()
    if repair:
        collection_checks.renew_vectors(collection_id)
