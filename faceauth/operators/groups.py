"""The two groups of operators, brought up to date after every `migrate`. Superusers are the third kind.

Members also need `is_staff`. Permissions that a site adds to these groups stay.
"""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as global_apps

VIEWERS = "operators: view"
OPERATORS = "operators"

VIEWED = ("consent", "deletion", "enrolment", "healthcheck", "face", "mfareset", "signin")


def make_groups(sender: AppConfig, using: str, apps: Any = global_apps, **kwargs: Any) -> None:
    """Both groups see the dashboard, the people and the sign-in log; `operators` also act on people."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.management import create_permissions

    permissions = apps.get_model("auth", "Permission").objects.using(using)
    user = get_user_model()._meta
    for config in (sender, user.app_config):  # Django makes the permissions of later apps after this signal
        create_permissions(config, verbosity=0, using=using, apps=apps)
    viewing = permissions.filter(content_type__app_label="faceauth", codename__in=[f"view_{name}" for name in VIEWED])
    viewing |= permissions.filter(content_type__app_label=user.app_label, codename=f"view_{user.model_name}")
    acting = permissions.filter(content_type__app_label="faceauth", codename="act_on_people")
    for name, given in ((VIEWERS, viewing), (OPERATORS, viewing | acting)):
        group, _created = apps.get_model("auth", "Group").objects.using(using).get_or_create(name=name)
        group.permissions.add(*given)
