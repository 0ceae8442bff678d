"""How much a person, a visit, a session and a note take in PostgreSQL: `python -m benchmarks.rows`.

Debian's PostgreSQL is started for it. Bytes are those of the table with its indexes and what is stored aside
(pg_total_relation_size), after VACUUM FULL, for each of so many rows.
"""

import os
import tempfile
import uuid
from collections.abc import Callable
from datetime import timedelta

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


def makers() -> dict[str, Callable[[range], None]]:
    """What makes rows as the site makes them, by table, in the order that they need."""
    from django.contrib.auth.models import User
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from faceauth.models import Consent, Face, Login
    from faceauth.tests.local import add_faces, collection_named, some_templates
    from notes import sealing
    from notes.models import Key, Note

    collection_named()
    people: list[User] = []

    def users(numbers: range) -> None:
        people.extend(
            User.objects.bulk_create(User(username=str(uuid.uuid4()), password="!" + "x" * 40) for _ in numbers)
        )

    def faces(numbers: range) -> None:
        Face.objects.bulk_create(
            Face(
                user=people[n],
                face_id=uuid.uuid4(),
                image_id=uuid.uuid4(),
                collection_id="secretly",
                person=people[n].username,
                associated=True,
                brightness=50.0,
                sharpness=50.0,
            )
            for n in numbers
        )

    def visits(numbers: range) -> None:
        device = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
        Login.objects.bulk_create(
            Login(
                outcome="recognised", user=people[n], similarity=99.9, way="file", address="203.0.113.7", device=device
            )
            for n in numbers
        )

    def sessions(numbers: range) -> None:
        end = timezone.now() + timedelta(minutes=15)
        Session.objects.bulk_create(
            Session(session_key=uuid.uuid4().hex, session_data="x" * 260, expire_date=end) for _ in numbers
        )

    def consents(numbers: range) -> None:
        Consent.objects.bulk_create(Consent(user=people[n], text="2026-11-23.2") for n in numbers)

    def keys(numbers: range) -> None:
        wrapped = [sealing.wrap(os.urandom(sealing.KEY), people[n].pk) for n in numbers]
        Key.objects.bulk_create(
            Key(owner=people[n], wrapped=key, wrapped_by=key_id)
            for n, (key, key_id) in zip(numbers, wrapped, strict=True)
        )

    def notes(numbers: range) -> None:
        Note.objects.bulk_create(Note.written(people[n], TEXT) for n in numbers)

    def templates(numbers: range) -> None:
        add_faces(some_templates(len(numbers), numbers.start))

    return {
        "auth_user": users,
        "faceauth_face": faces,
        "faceauth_consent": consents,
        "faceauth_login": visits,
        "django_session": sessions,
        "notes_key": keys,
        "notes_note": notes,
        "faceauth_local_face": templates,
    }


if __name__ == "__main__":
    main()
