"""The two groups of operators, kept up to date after every `migrate`; superusers are the third kind.

Whoever is in one needs `is_staff` too. What else a site gives to these groups stays theirs.
"""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as global_apps

VIEWERS = "operators: view"
OPERATORS = "operators"

VIEWED = ("consent", "deletion", "enrolment", "healthcheck", "face", "signin")


def make_groups(sender: AppConfig, using: str, apps: Any = global_apps, **kwargs: Any) -> None:
    """Both see the desk, the people and the log of the door; `operators` also act."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.management import create_permissions

    group_model = apps.get_model("auth", "Group")
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    user = get_user_model()._meta
    for config in (sender, user.app_config):  # Django makes those of apps further down the list only later
        create_permissions(config, verbosity=0, using=using, apps=apps)
    seen = permissions.filter(content_type__app_label="faceauth", codename__in=[f"view_{name}" for name in VIEWED])
    seen |= permissions.filter(content_type__app_label=user.app_label, codename=f"view_{user.model_name}")
    acting = permissions.filter(content_type__app_label="faceauth", codename="act_on_people")
    for name, given in ((VIEWERS, seen), (OPERATORS, seen | acting)):
        group, _made = group_model.objects.using(using).get_or_create(name=name)
        group.permissions.add(*given)
