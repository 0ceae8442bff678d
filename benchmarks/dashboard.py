"""The dashboard and the sign-in log with a million sign-ins in a month, on SQLite as it is installed."""

import io
import os
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from random import Random

from benchmarks.table import Row, times

SIGN_INS = 1_000_000
LIMIT_OF_FIRST = 10_000.0  # milliseconds: each process counts the days before once a day
LIMIT_OF_PAGE = 500.0
LIMIT_OF_LOG = 3_000.0
BATCH = 10_000
OUTCOMES = {("recognised", ""): 80, ("refused", "too_dark"): 12, ("stranger", ""): 5, ("throttled", ""): 3}


def measure() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="secretly-bench-") as home:
        os.environ |= {"SECRETLY_HOME": home, "DJANGO_SETTINGS_MODULE": "secretly.settings"}
        os.environ.pop("DATABASE_URL", None)
        yield from rows()


def rows() -> Iterator[Row]:
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("rekognition_collection", "create", "--json", stdout=io.StringIO())
    fill()
    operator = User.objects.create_superuser("bench")
    client = Client(headers={"host": "localhost"})
    client.force_login(operator, "django.contrib.auth.backends.ModelBackend")

    def get(path: str) -> None:
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}.")

    def first() -> None:
        cache.clear()
        get("/admin/")

    name = f"{SIGN_INS:,} sign-ins in 30 days"
    yield Row(f"the dashboard, {name}, first of a day", times(first, 5), LIMIT_OF_FIRST)
    yield Row(f"the dashboard, {name}, after that", times(lambda: get("/admin/"), 20), LIMIT_OF_PAGE)
    log = "/admin/faceauth/signin/"
    yield Row(f"the sign-in log, {name}", times(lambda: get(log), 5), LIMIT_OF_LOG)
    refused = f"{log}?reason__exact=too_dark"
    yield Row("the sign-in log, only those refused as too dark", times(lambda: get(refused), 5), LIMIT_OF_LOG)
    yield Row("the sign-in log, one address", times(lambda: get(f"{log}?address=10.0.0.7"), 5), LIMIT_OF_LOG)


def fill() -> None:
    from django.utils import timezone

    from faceauth.models import SignIn

    random, now = Random(1), timezone.now()  # noqa: S311 - nothing here is secret
    for _batch in range(SIGN_INS // BATCH):
        chosen = random.choices(list(OUTCOMES), list(OUTCOMES.values()), k=BATCH)
        SignIn.objects.bulk_create(
            SignIn(
                at=now - timedelta(seconds=random.uniform(0, 30 * 86_400)),
                outcome=outcome,
                reason=reason,
                similarity=random.uniform(90, 100) if outcome == "recognised" else None,
                rekognition_ms=round(random.lognormvariate(4, 0.5)) if outcome in ("recognised", "stranger") else None,
                address=f"10.0.{random.randrange(256)}.{random.randrange(256)}",
                device="Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
            )
            for outcome, reason in chosen
        )
