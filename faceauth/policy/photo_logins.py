"""What a photo may open. A liveness check shows a living person, a photo does not.

With PHOTOS="fallback" a photo opens the notebook of somebody who has never passed a liveness check, from anywhere. From
their first check on it takes a trusted device or a second factor besides, and everybody may choose less for themselves.
"""

from collections.abc import Collection as Group
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils import timezone

from faceauth.conf import conf
from faceauth.mfa import authenticators, resets
from faceauth.models import PhotoLogin, SignIn
from faceauth.policy import capacity, population

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Choice = PhotoLogin.Choice


def offered() -> bool:
    """Whether there is anything to choose: not where a photo opens nothing at all, or is all there is."""
    return conf().PHOTOS == "fallback"


def row_of(user: "User") -> PhotoLogin:
    return PhotoLogin.of(user.pk)


def choice_of(user: "User") -> Choice:
    return Choice(row_of(user).choice)


def choose(user: "User", choice: Choice) -> None:
    PhotoLogin.note(user.pk, choice=choice)


def may_sign_in_by(user: "User", method: str, trusted: bool = False) -> bool:
    """Whether a picture that came by `method`, a `SignIn.Method` or "", may open the user's notebook.

    `trusted` says whether it came from a trusted device of theirs, without which a quick check opens nothing. A choice
    stands even where the site allows more.
    """
    if method == SignIn.Method.QUICK:
        return trusted
    return method == SignIn.Method.LIVENESS or allows_photo(user, row_of(user), trusted)


def allows_photo(user: "User", row: PhotoLogin, trusted: bool) -> bool:
    if row.choice == Choice.NEVER or conf().PHOTOS == "never" or (offered() and resets.pending(user)):
        return False
    alone = row.choice == Choice.OPEN and (conf().PHOTOS == "open" or row.liveness_passed is None)
    return alone or trusted or authenticators.has_mfa(user)


def has_passed_liveness(user: "User") -> bool:
    return row_of(user).liveness_passed is not None


def is_not_back(user: "User") -> bool:
    """Whether a photo enrolled them and they have not come back yet: then they are forgotten soon."""
    row = row_of(user)
    return row.enrolled_by_photo and not row.returned and row.liveness_passed is None


def is_claimable(user: "User") -> bool:
    """Whether only a photo ever made and opened this notebook: a liveness check outranks it."""
    row = row_of(user)
    return row.enrolled_by_photo and row.liveness_passed is None and not row.superseded


def note_enrolled(user: "User", live: bool, superseded: bool = False) -> None:
    """Note how a new person was enrolled: `live` by a liveness check, else by a photo."""
    row = row_of(user)
    row.account_made = True
    row.enrolled_by_photo = not live
    row.counted = live
    row.liveness_passed = timezone.now() if live else None
    row.superseded = superseded
    row.save()


def note_signed_in(user: "User", method: str, returned: bool = True) -> None:
    """Note what the person has proved by signing in, and that they came back, unless they were enrolled just now."""
    if method == SignIn.Method.LIVENESS and not has_passed_liveness(user):
        PhotoLogin.note(user.pk, liveness_passed=timezone.now())
    if returned:
        rows = PhotoLogin.objects.filter(user_id=user.pk)
        rows.filter(returned=False).update(returned=True)
        if rows.filter(counted=False).exists() and capacity.has_room_for(user):
            rows.update(counted=True)
            population.forget()


def supersede(user: "User") -> None:
    """Never let a liveness check match this notebook again."""
    PhotoLogin.note(user.pk, superseded=True)


def not_meant(users: Iterable["User"], live: bool, trusted: Group[object]) -> set[object]:
    """The primary keys of those of similar-looking `users` whom the pictures do not mean.

    A liveness check never means a superseded notebook. A photo means it where it may open no other of them: whoever
    holds up a photo shall not learn that the person has a notebook that it does not open.
    """
    by_key = {user.pk: user for user in users}
    found = {row.user_id: row for row in PhotoLogin.objects.filter(user_id__in=by_key)}
    rows = {key: PhotoLogin.believed(key, found.get(key)) for key in by_key}
    superseded = {key for key, row in rows.items() if row.superseded}
    others = by_key.keys() - superseded
    if live or not superseded:
        return set(superseded)
    open_to_it = any(allows_photo(by_key[k], rows[k], k in trusted) for k in others)
    return set(superseded) if open_to_it else set(others)
