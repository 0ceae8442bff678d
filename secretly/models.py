"""What `manage.py demo` has made, so that it can be taken away again."""

from django.db import models
from django.utils import timezone


class Demonstration(models.Model):
    """One run: the primary keys of its rows. All else hangs on its people, and goes with them."""

    made = models.DateTimeField(default=timezone.now)
    users = models.JSONField(default=list)
    visits = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.made:%Y-%m-%d %H:%M}"
