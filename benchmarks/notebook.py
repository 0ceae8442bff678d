"""The notebook with 5,000 notes: every request through the whole site, on SQLite as it is installed."""

import os
import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from itertools import count

from benchmarks.table import Row, times

NOTES = 5_000
LIMIT_OF_LIST = 60.0  # milliseconds
LIMIT_OF_SAVE = 20.0
LIMIT_OF_SEARCH = 250.0
TEXT = (
    """# Note {}

Some *words* about [a link](https://example.org) and `code`.

- [ ] milk
- [x] bread
- eggs

"""
    + "More words of an ordinary kind follow here. " * 15
)


def measure() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="secretly-bench-") as home:
        os.environ |= {"SECRETLY_HOME": home, "DJANGO_SETTINGS_MODULE": "secretly.settings"}
        os.environ.pop("DATABASE_URL", None)
        yield from rows()


def rows() -> Iterator[Row]:
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from notes.models import Note

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    owner = User.objects.create_user("bench")
    Note.objects.bulk_create((Note.written(owner, TEXT.format(i)) for i in range(NOTES)), batch_size=500)
    client = Client(headers={"host": "localhost"})
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")

    def first_page() -> None:
        expect(client.get("/").status_code)

    def save(numbers: Iterator[int] = count()) -> None:  # noqa: B008 - one count for all calls
        answer = client.post("/", {"text": f"A new note, {next(numbers)}."}, headers={"accept": "application/json"})
        expect(answer.status_code)

    def search() -> None:
        expect(client.post("/search/", {"words": "in none of them"}).status_code)

    yield Row(f"notebook, first page of {NOTES:,} notes", times(first_page), LIMIT_OF_LIST)
    yield Row("notebook, a save", times(save), LIMIT_OF_SAVE)
    yield Row(
        f"notebook, search in {NOTES:,} notes", times(search), LIMIT_OF_SEARCH, "nothing is found, so all is read"
    )


def expect(status: int) -> None:
    if status != HTTPStatus.OK:
        raise RuntimeError(f"The notebook answered with {status}.")
