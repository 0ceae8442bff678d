"""How much a person, a visit, a session and a note take in PostgreSQL: `python -m benchmarks.rows`.

Debian's PostgreSQL is started for it. Bytes are those of the table with its indexes and what is stored aside
(pg_total_relation_size), after VACUUM FULL, for each of so many rows.
"""

import os
import tempfile
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ROWS = 4_000
BATCH = 2_000
TEXT = "Some words of an ordinary kind, as they are written in a notebook. " * 8  # 536 letters


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "secretly.tests.settings"
    from faceauth.tests import postgres

    with postgres.running() as server, tempfile.TemporaryDirectory(prefix="secretly-bench-") as home:
        os.environ |= {"SECRETLY_HOME": home, "DJANGO_SETTINGS_MODULE": "secretly.settings"}
        os.environ["DATABASE_URL"] = f"{server.address}/postgres"
        measure()


def measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    print(f"{'table':<28} {'bytes a row':>12}   of {ROWS:,} rows")
    for table, make in makers().items():
        for start in range(0, ROWS, BATCH):
            make(range(start, start + BATCH))
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM FULL {connection.ops.quote_name(table)}")
            cursor.execute("SELECT pg_total_relation_size(%s)", [table])
            [size] = cursor.fetchone()
        print(f"{table:<28} {size / ROWS:>12.0f}", flush=True)
    connection.close()


def makers() -> dict[str, Callable[[range], object]]:
    """What makes rows as the site makes them, by table, in the order that they need."""
    from faceauth.tests.local import collection_named

    collection_named()
    people: list[User] = []
    return of_people(people) | of_notes(people)


def of_people(people: "list[User]") -> dict[str, Callable[[range], object]]:
    """Rows of faceauth; the people that are made are added to the list."""
    from django.contrib.auth.models import User

    from faceauth.models import Consent, Face, SignIn
    from faceauth.tests.local import add_faces, some_templates

    device = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    always = {"collection_id": "secretly", "associated": True, "brightness": 50.0, "sharpness": 50.0}
    login = {"outcome": "recognised", "similarity": 99.9, "method": "file", "address": "203.0.113.7", "device": device}

    def users(numbers: range) -> None:
        made = [User(username=str(uuid.uuid4()), password="!" + "x" * 40) for _ in numbers]
        people.extend(User.objects.bulk_create(made))

    def face_of(user: User) -> Face:
        return Face(user=user, face_id=uuid.uuid4(), image_id=uuid.uuid4(), person=user.username, **always)

    return {
        "auth_user": users,
        Face._meta.db_table: lambda numbers: Face.objects.bulk_create(face_of(people[n]) for n in numbers),
        Consent._meta.db_table: lambda numbers: Consent.objects.bulk_create(
            Consent(user=people[n], text="2026-11-23.2") for n in numbers
        ),
        SignIn._meta.db_table: lambda numbers: SignIn.objects.bulk_create(
            SignIn(user=people[n], **login) for n in numbers
        ),
        "faceauth_local_face": lambda numbers: add_faces(some_templates(len(numbers), numbers.start)),
    }


def of_notes(people: "list[User]") -> dict[str, Callable[[range], object]]:
    """A session, a key and a note of each."""
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from notes import encryption
    from notes.models import Key, Note

    end = timezone.now() + timedelta(minutes=15)

    def key_of(user: "User") -> Key:
        wrapped, key_id = encryption.wrap(os.urandom(encryption.KEY), user.pk)
        return Key(owner=user, wrapped=wrapped, wrapped_by=key_id)

    return {
        "django_session": lambda numbers: Session.objects.bulk_create(
            Session(session_key=uuid.uuid4().hex, session_data="x" * 260, expire_date=end) for _ in numbers
        ),
        "notes_key": lambda numbers: Key.objects.bulk_create(key_of(people[n]) for n in numbers),
        "notes_note": lambda numbers: Note.objects.bulk_create(Note.written(people[n], TEXT) for n in numbers),
    }


if __name__ == "__main__":
    main()
