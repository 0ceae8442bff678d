"""The account of somebody new: the site's own function makes it, or a user with a name and no password."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db.models import NOT_PROVIDED, EmailField, UniqueConstraint
from django.utils.module_loading import import_string

from faceauth.conf import conf

if TYPE_CHECKING:
    from django.contrib.auth.models import User

NAME_LENGTH = 36  # of a UUID


def make_user(name: str) -> "User":
    """Make the account by FACEAUTH["MAKE_USER"]. It is saved, and nobody can sign in to it with an empty password."""
    path = conf().MAKE_USER
    model = get_user_model()
    user: User = import_string(path)(name) if path else model(**{model.USERNAME_FIELD: name})
    if not user.password:
        user.set_unusable_password()
    user.save()
    return user


def obstacles() -> Iterator[str]:
    """Why a user cannot be made of a name alone, for the site's user model."""
    model = get_user_model()
    for field in model._meta.concrete_fields:
        given = field.name in (model.USERNAME_FIELD, "password")
        if field.name == model.USERNAME_FIELD:
            if isinstance(field, EmailField):
                yield f"its login name, {field.name}, is an e-mail address"
            elif field.max_length is not None and field.max_length < NAME_LENGTH:
                yield f"its login name, {field.name}, has room for {field.max_length} of {NAME_LENGTH} characters"
        elif not given and not field.primary_key and needs_value(field):
            yield f"{field.name} needs a value"
        elif not field.primary_key and field.unique and not field.null and not field.has_default():
            yield f"{field.name} is unique, and would be empty for everybody"
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint) and empty_for_all(model, constraint):
            yield f"{' and '.join(constraint.fields)} must be unique, and would be empty for everybody"


def needs_value(field: Any) -> bool:
    """Whether a row cannot be saved, or would not pass the site's own forms, without a value for this field."""
    if field.null or field.has_default() or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return False
    return not field.blank and getattr(field, "db_default", NOT_PROVIDED) is NOT_PROVIDED


def empty_for_all(model: Any, constraint: UniqueConstraint) -> bool:
    fields = [model._meta.get_field(name) for name in constraint.fields]
    given = {model.USERNAME_FIELD, model._meta.pk.name}
    return bool(fields) and not any(it.null or it.name in given or it.has_default() for it in fields)
