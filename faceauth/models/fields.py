"""Which fields the site's user model has: only some have `is_active` or `is_staff` as columns."""

from django.contrib.auth import get_user_model


def of_user(values: dict[str, object], prefix: str = "") -> dict[str, object]:
    """Those of the conditions that the user model has a column for. `prefix` leads there: `user__`."""
    columns = {field.name for field in get_user_model()._meta.get_fields()}
    return {f"{prefix}{name}": value for name, value in values.items() if name in columns}
