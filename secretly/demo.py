"""Made-up people, notes and sign-ins to look around among: `manage.py demo`.

This repository holds no picture of a face, so the people have none, unless the operator names a folder of pictures:
each becomes a person. Nobody can sign in as a person without a face. The only password is that of an operator.

The people are members of the group `GROUP`, and the sign-ins come from addresses that nobody real has, so both can be
found and removed again.
"""

import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from faceauth.audit import sessions
from faceauth.conf import conf
from faceauth.enrolment import enrol
from faceauth.models import Consent, SignIn
from faceauth.operators import groups
from faceauth.outcomes import Outcome, Reason, Refusal, sentence
from faceauth.policy import accounts, thresholds
from faceauth.policy.thresholds import Requirement
from faceauth.privacy import forget
from faceauth.vision.photos import read_photo
from notes.models import Note

GROUP = "made by manage.py demo"
DAYS = 30
BATCH = 1000  # rows of one statement

# The networks for documentation (RFC 5737 and RFC 3849): no sign-in of anybody real comes from there.
NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8::")

Report = Callable[[int], None]


@dataclass(slots=True)
class Made:
    people: int = 0
    notes: int = 0
    sign_ins: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """Pictures that no person was made of, and why."""
    operator: str = ""
    password: str = ""
    """Random, and stored as a hash alone: it is told once."""


def inhabited() -> bool:
    """Whether there are people already, real or made up."""
    return User.objects.filter(is_staff=False, is_superuser=False).exists() or Group.objects.filter(name=GROUP).exists()


def fill(
    count: int, sign_in_count: int, seed: int, faces: Path | None = None, report: Report = lambda done: None
) -> Made:
    """Make people, their notes and their sign-ins: the same for the same seed, up to the present moment.

    A further run with the same seed makes others. Raises `OSError` for a folder that cannot be read, and
    `RekognitionError`; `remove` then removes what was made until then.
    """
    portraits = sorted(it for it in faces.iterdir() if it.is_file()) if faces else []
    group, _created = Group.objects.get_or_create(name=GROUP)
    random, made = Random(f"{seed} {group.user_set.count()}"), Made()  # noqa: S311 - nothing here is secret
    mine = []
    for user in with_faces(portraits, made):
        group.user_set.add(user)
        mine.append(user)
    with transaction.atomic():
        without_faces = User.objects.bulk_create(newcomers(random, count))
        Consent.objects.bulk_create(
            [Consent(user=user, text=conf().CONSENT_VERSION, given=user.date_joined) for user in without_faces]
        )
        mine += without_faces
        written = write_notes(random, mine)
        log_sign_ins(random, mine, sign_in_count, report)
        operator, made.password = make_operator()
        group.user_set.add(*mine, operator)
    made.people, made.notes, made.sign_ins, made.operator = len(mine), len(written), sign_in_count, operator.username
    return made


def remove() -> Made:
    """Delete what `fill` made, with all that is in the notebooks of its people, and nothing else."""
    gone = Made()
    users = User.objects.filter(groups__name=GROUP)
    addresses = Q()
    for network in NETWORKS:
        addresses |= Q(address__startswith=network)
    gone.sign_ins = SignIn.objects.filter(addresses).delete()[0]
    for user in users:
        gone.notes += user.notes.count()
        gone.people += not accounts.is_operator(user)
        if user.faces.exists():
            forget.forget(user)  # the deletion ledger has Rekognition delete the faces
        else:
            sessions.end_sessions(user)
            user.delete()
    Group.objects.filter(name=GROUP).delete()
    return gone


# People ---------------------------------------------------------------------------------------------------------------


def uuids(random: Random, count: int) -> Iterator[UUID]:
    for _number in range(count):
        yield UUID(int=random.getrandbits(128), version=4)


def newcomers(random: Random, count: int) -> list[User]:
    now = timezone.now()
    return [
        User(
            username=str(name),
            password=make_password(None),
            date_joined=now - timedelta(days=random.uniform(0.2, 2 * DAYS)),
            is_active=random.random() > 0.04,
        )
        for name in list(uuids(random, count))
    ]


def with_faces(portraits: list[Path], made: Made) -> Iterator[User]:
    """Make a person of each picture, unless it shows somebody who is enrolled already."""
    for path in portraits:
        photo = read_photo(path.read_bytes())
        if isinstance(photo, Refusal):
            made.refused[path.name] = sentence(Outcome.REFUSED, photo.reason)
            continue
        with photo:
            recognition = enrol.enrol(photo, conf().CONSENT_VERSION)
        if recognition.outcome == Outcome.ENROLLED and recognition.user:
            yield recognition.user
        else:
            made.refused[path.name] = sentence(recognition.outcome, recognition.reason)


def make_operator() -> tuple[User, str]:
    """An operator who sees the dashboard and acts on people, but is no superuser; and the password."""
    password, name = secrets.token_urlsafe(15), "demo-operator"
    if User.objects.filter(username=name).exists():
        name += f"-{secrets.token_hex(3)}"
    operator = User.objects.create_user(name, password=password, is_staff=True)
    operator.groups.add(Group.objects.get(name=groups.OPERATORS))
    return operator, password


# Sign-ins -------------------------------------------------------------------------------------------------------------

DEVICES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
)

REASONS = {
    Reason.TOO_DARK: 24,
    Reason.BLURRED: 18,
    Reason.NO_FACE: 17,
    Reason.TURNED_AWAY: 13,
    Reason.TOO_SMALL: 9,
    Reason.NEAR_MATCH: 8,
    Reason.LIVENESS_FAILED: 5,
    Reason.SEVERAL_FACES: 4,
    Reason.AMBIGUOUS: 2,
}


def log_sign_ins(random: Random, users: list[User], count: int, report: Report) -> None:
    """Sign-ins of the last thirty days, by day, with one hour in which Rekognition did not answer."""
    end = timezone.now()
    outage = (end - timedelta(days=12)).replace(hour=14, minute=20)
    needed = thresholds.current()
    rows = [one_sign_in(random, users, end, outage, needed) for _ in range(count)]
    last: dict[int, datetime] = {}
    for row in rows:
        if row.outcome == Outcome.RECOGNISED and row.user_id:
            last[row.user_id] = max(row.at, last.get(row.user_id, row.at))
    for start in range(0, count, BATCH):
        SignIn.objects.bulk_create(rows[start : start + BATCH])
        report(min(start + BATCH, count))
    for user in users:
        user.last_login = last.get(user.pk, user.last_login)
    User.objects.bulk_update(users, ["last_login"], batch_size=100)


def one_sign_in(random: Random, users: list[User], end: datetime, outage: datetime, needed: Requirement) -> SignIn:
    row = SignIn(at=a_time(random, end), method=random.choice(SignIn.Method.values), device=random.choice(DEVICES))
    row.address = an_address(random)
    if abs(row.at - outage) < timedelta(minutes=40):
        row.outcome, row.rekognition_ms = Outcome.UNAVAILABLE, random.randrange(8000, 16000)
        return row
    decide(random, row, random.choice(users) if users else None, needed)
    searched = row.similarity is not None or row.outcome in (Outcome.STRANGER, Outcome.ENROLLED)
    row.rekognition_ms = round(random.lognormvariate(math.log(65), 0.35)) if searched else None
    return row


def a_time(random: Random, end: datetime) -> datetime:
    """A time before `end`: more on later days, most in the afternoon."""
    at = end - timedelta(days=DAYS * (1 - math.sqrt(random.random())))
    by_day = at.replace(hour=min(23, max(0, round(random.gauss(14, 4)))))
    return by_day if by_day < end else at


def an_address(random: Random) -> str:
    network, host = random.choice(NETWORKS), random.randrange(1, 255)
    return f"{network}{host:x}" if ":" in network else f"{network}{host}"


def decide(random: Random, row: SignIn, user: User | None, needed: Requirement) -> None:
    """Give the row an outcome, in about the shares of a real site."""
    chance = random.random()
    if chance < 0.84 and user:
        row.outcome, row.user = Outcome.RECOGNISED, user
        row.similarity = max(needed.threshold, 100 - random.expovariate(0.5))
    elif chance < 0.94:
        row.outcome = Outcome.REFUSED
        [row.reason] = random.choices(list(REASONS), list(REASONS.values()))
        if row.reason == Reason.NEAR_MATCH:
            row.similarity = random.uniform(needed.near_match, needed.threshold)
        elif row.reason == Reason.AMBIGUOUS:
            row.similarity = random.uniform(needed.threshold, 100)
    elif chance < 0.98:
        row.outcome = Outcome.STRANGER
    elif chance < 0.995:
        row.outcome = Outcome.THROTTLED
    else:
        row.outcome, row.user = Outcome.ENROLLED, user


# Notes ----------------------------------------------------------------------------------------------------------------

TEXTS = (
    "# Groceries\n\n- [ ] bread\n- [x] olives\n- [ ] two lemons\n- [x] coffee, the dark one\n",
    "# Sunday\n\nCall *grandmother*. Ask her about the **recipe** and the old house.\n",
    "# Ideas for the garden\n\n1. Move the rosemary to the wall\n2. Lavender along the path\n3. A bench in shade\n",
    "# A dream\n\nThe sea was as still as a table, and somebody was laying it for breakfast.\n",
    "# Books to read\n\n| book | from |\n| --- | --- |\n| The Summer Book | Noor |\n| Stoner | the library |\n",
    "# Packing\n\n- [x] passport\n- [ ] charger\n- [ ] the blue scarf\n- [ ] something to read\n",
    "# Birthday\n\nShe wants nothing, which means a cake, candles, and nobody singing.\n",
    "# Running\n\n- Monday: 4 km, rain\n- Wednesday: 5 km\n- Saturday: 8 km, slow, happy\n",
    "# Kitchen\n\nFlour 500 g, water 350 g, salt 10 g. Wait. Fold. Wait. Bake at 240 degrees.\n",
    "\u0645\u0648\u0639\u062f \u0645\u0639 \u0637\u0628\u064a\u0628 \u0627\u0644\u0623\u0633\u0646\u0627\u0646"
    " \u064a\u0648\u0645 \u0627\u0644\u062e\u0645\u064a\u0633",
)


def write_notes(random: Random, users: list[User]) -> list[Note]:
    now, rows = timezone.now(), []
    for user in users:
        for text in random.sample(TEXTS, random.randint(2, 9)):
            written = now - timedelta(days=random.uniform(0, DAYS))
            fields = {"created": written, "changed": written, "pinned": random.random() < 0.15}
            rows.append(Note.written(user, text, id=next(uuids(random, 1)), **fields))
    return Note.objects.bulk_create(rows, batch_size=BATCH)
