"""Checks of the database: work that was not finished, rows of nobody, and people who cannot sign in."""

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import SET_NULL, Count, Exists, ForeignKey, OuterRef, Q, QuerySet
from django.utils import timezone

from faceauth.conf import named
from faceauth.enrolment.enrol import IN_PROGRESS
from faceauth.mfa import authenticators
from faceauth.models import AccountChange, Deletion, Enrolment, Face, TrustedDevice, fields, row_seals
from faceauth.models.operators import is_vouched
from faceauth.operators.findings import BATCH, REPAIR_HINT, Finding, Kind, settle
from faceauth.policy import accounts

# What refers to a user that is gone is a leftover in these apps. Elsewhere it may be what somebody wrote, whom a
# backup brings back.
REPAIRED_APPS = ("faceauth", "otp_static", "otp_totp", "auth", "admin")


def batches(rows: QuerySet[Face]) -> Iterator[list[Face]]:
    """The rows in batches, by primary key: rows may be deleted meanwhile."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = batch[-1].pk
        yield batch


def dangling_rows(repair: bool) -> Iterator[Finding]:
    """Rows that refer to a row that is gone, as after a deletion without Django: one finding for each lost row.

    Repair does what Django does when it deletes a row (on_delete). Faces go through the deletion ledger.
    """
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.local_concrete_fields:
            if isinstance(field, ForeignKey) and model._meta.managed and not model._meta.proxy:
                yield from dangling_in(model, field, repair)


def dangling_in(model: Any, field: "ForeignKey[Any, Any]", repair: bool) -> Iterator[Finding]:
    name = field.attname
    target = Exists(field.remote_field.model._base_manager.filter(**{field.target_field.attname: OuterRef(name)}))
    dangling = model._base_manager.filter(~target, **{f"{name}__isnull": False})
    safe = model._meta.app_label in REPAIRED_APPS
    cure = REPAIR_HINT if safe else "restore the row from a backup, or delete those that refer to it"
    for key, count in list(dangling.order_by().values_list(name).annotate(Count("pk"))):
        if safe and repair:
            rows = model._base_manager.filter(**{name: key})
            rows.update(**{name: None}) if field.remote_field.on_delete is SET_NULL else rows.delete()
        what = f"{count} rows with {field.name} = {field.remote_field.model._meta.label} {key}, which is gone"
        yield Finding(Kind.DANGLING_ROW, model._meta.label, what, cure, safe and repair)


Removed = AccountChange.Kind
FIND_OUT = "find out who wrote to the database, and restore the row from a backup, or delete it"


def altered_rows() -> Iterator[Finding]:
    """Rows whose seal is wrong: somebody changed them without the site, or the key of their seal is gone."""
    for model in row_seals.sealed_models():
        for row in model._base_manager.order_by("pk").iterator(chunk_size=BATCH):
            if not row.is_sealed():
                yield altered(row)
    users = get_user_model()._default_manager
    for user in users.filter(Exists(Face.objects.filter(user_id=OuterRef("pk"))), photo_login=None).iterator():
        what = "was deleted, so no photo opens anything"
        cure = "restore the row from a backup, or reset the person's second factor"
        yield Finding(Kind.ALTERED_ROW, f"faceauth.PhotoLogin {user.pk}", what, cure)
    marks = [Q(**{name: value}) for name, value in fields.of_user({"is_staff": True, "is_superuser": True}).items()]
    for user in users.filter(reduce(or_, marks)).iterator() if marks else ():
        if not is_vouched(user):
            what = "was made or changed outside the site, and opens nothing"
            cure = "if nobody here did that, delete it; make operators with manage.py createsuperuser"
            yield Finding(Kind.ALTERED_ROW, f"operator {user.get_username()}", what, cure)


def put_back_rows() -> Iterator[Finding]:
    """What was removed, and is there again as it was, with the seal of that time: the record of its removal tells."""
    rows: list[Any] = list(Face.objects.filter(face_id__in=Deletion.objects.values("face_id")))
    removals = {Removed.DEVICE_ENDED: "device", Removed.FACTOR_REMOVED: ""}
    for change in AccountChange.objects.filter(kind__in=removals).exclude(subject="").iterator(chunk_size=BATCH):
        if not change.is_sealed():
            continue
        kind, _space, key = f"{removals[Removed(change.kind)]} {change.subject}".strip().partition(" ")
        model: Any = TrustedDevice if kind == "device" else authenticators.KINDS[kind]
        rows += model._default_manager.filter(pk=key, user_id=change.user_id)
    for row in rows:
        what = f"of user {row.user_id} was removed, and is there again as it was"
        yield Finding(Kind.ALTERED_ROW, f"{row._meta.label} {row.pk}", what, FIND_OUT)


def altered(row: row_seals.SealedRow) -> Finding:
    name = f"{row._meta.label} {row.pk}"
    if row.lacks_key():
        what = f"is sealed with the key {row.seal.partition(':')[0]}, which {named('ENCRYPTION_KEYS')} does not hold"
        cure = f"put that key back, after the others, and run rotate_keys; if no key is missing, {FIND_OUT}"
        return Finding(Kind.KEY_MISSING, name, what, cure)
    what = f"says that it is of user {getattr(row, 'user_id', None)}, which its seal does not say"
    return Finding(Kind.ALTERED_ROW, name, what, FIND_OUT)


def unfinished_deletions(repair: bool) -> Iterator[Finding]:
    last = 0
    while rows := list(Deletion.objects.filter(confirmed=None, pk__gt=last).order_by("pk")[:BATCH]):
        last = rows[-1].pk
        if repair:
            settle(rows)
        keys = [row.pk for row in rows]
        gone = set(Deletion.objects.filter(pk__in=keys).exclude(confirmed=None).values_list("pk", flat=True))
        for row in rows:
            what = f"requested on {row.requested:%Y-%m-%d %H:%M}, {row.tries} tries, {row.error or 'no error'}"
            yield Finding(Kind.UNFINISHED_DELETION, str(row.face_id), what, REPAIR_HINT, row.pk in gone)


def unfinished_enrolments(collection_id: str, repair: bool) -> Iterator[Finding]:
    """To be called after the faces were checked: what was indexed under these names is in the ledger then."""
    stale = Enrolment.objects.filter(collection_id=collection_id, started__lt=timezone.now() - IN_PROGRESS)
    for enrolment in stale.order_by("pk").iterator(chunk_size=BATCH):
        if repair:
            enrolment.delete()
        what = f"begun on {enrolment.started:%Y-%m-%d %H:%M}"
        yield Finding(Kind.UNFINISHED_ENROLMENT, enrolment.external_id, what, REPAIR_HINT, repair)


def faces_in_other_collections(collection_id: str) -> Iterator[Finding]:
    for batch in batches(Face.objects.exclude(collection_id=collection_id).select_related("user")):
        for face in batch:
            what = f"{face.user.get_username()} is enrolled in the collection {face.collection_id} instead"
            cure = f"set {named('COLLECTION')} to it, or enrol the person here"
            yield Finding(Kind.OTHER_COLLECTION, str(face.face_id), what, cure)


def faces_of_inactive_users(collection_id: str) -> Iterator[Finding]:
    inactive = fields.of_user({"is_active": False}, "user__")
    if not inactive:
        return
    rows = Face.objects.filter(collection_id=collection_id, **inactive).select_related("user")
    for batch in batches(rows):
        for face in batch:
            what = f"{face.user.get_username()} is inactive, and still enrolled"
            yield Finding(Kind.INACTIVE_USER, str(face.face_id), what, "activate the user again, or delete them")


def users_without_face() -> Iterator[Finding]:
    """People who cannot sign in, because they have neither a face nor a password."""
    users = get_user_model()._default_manager.filter(faces=None).order_by("pk")
    for user in users.iterator(chunk_size=BATCH):
        if user.has_usable_password() or accounts.is_operator(user):
            continue
        name = user.get_username()
        cure = f"run rekognition_collection enrol {name} PHOTO, or delete the user"
        yield Finding(Kind.USER_WITHOUT_FACE, name, "has no face and no password, and cannot sign in", cure)
