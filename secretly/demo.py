"""Made-up people, notes and visits, to look around among: `manage.py demo`.

There is no picture of a face in this repository, so the people have none, unless the operator names a folder of
pictures, each of which becomes a person. Nobody can come in as somebody without a face: no link and no password is
made for them, only one for an operator.
"""

import io
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
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from PIL import Image, ImageDraw

from faceauth import groups, odds, people, visits
from faceauth.images import read_photo
from faceauth.models import Consent, Login
from faceauth.odds import Needed
from faceauth.outcomes import Outcome, Reason, Refusal, sentence
from faceauth.views import CONSENT
from notes import attachments
from notes.models import Attachment, Note
from secretly.models import Demonstration

DAYS = 30
BATCH = 1000  # rows of one statement

Report = Callable[[int], None]


@dataclass(slots=True)
class Made:
    people: int = 0
    notes: int = 0
    attachments: int = 0
    visits: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """Pictures that became nobody, and why."""
    operator: str = ""
    password: str = ""
    """Random, and kept as a hash alone: it is told once."""


def inhabited() -> bool:
    """Whether anybody lives here: real notes and made-up ones are not mixed unasked."""
    return User.objects.filter(is_staff=False, is_superuser=False).exists() or Demonstration.objects.exists()


def fill(
    count: int, visit_count: int, seed: int, faces: Path | None = None, report: Report = lambda done: None
) -> Made:
    """Make the people, their notes and their visits: the same ones for the same seed, up to this moment. Another run
    with the same seed makes others, for those are here already.

    Raises `OSError` for a folder that cannot be read and `RekognitionError`; what was made until then is taken away
    with the rest.
    """
    random, made = Random(f"{seed} {Demonstration.objects.count()}"), Made()  # noqa: S311 - nothing here is secret
    portraits = sorted(it for it in faces.iterdir() if it.is_file()) if faces else []
    demonstration = Demonstration.objects.create()
    for user in with_faces(portraits, made):
        demonstration.users.append(user.pk)
        demonstration.save()
    with transaction.atomic():
        fresh = User.objects.bulk_create(newcomers(random, count))
        Consent.objects.bulk_create([Consent(user=user, text=CONSENT, given=user.date_joined) for user in fresh])
        mine = [*User.objects.filter(pk__in=demonstration.users), *fresh]
        written = write_notes(random, mine)
        logged = log_visits(random, mine, visit_count, report)
        operator, made.password = make_operator()
        demonstration.users = [user.pk for user in (*mine, operator)]
        demonstration.visits = logged
        demonstration.save()
    made.people, made.notes, made.visits, made.operator = len(mine), len(written), len(logged), operator.username
    made.attachments = attach_pictures(random, written)
    return made


def remove() -> Made:
    """Take away what was made here, and nothing else: with the people go their notes, and what others wrote there."""
    gone = Made()
    for demonstration in Demonstration.objects.order_by("pk"):
        for start in range(0, len(demonstration.visits), BATCH):
            gone.visits += Login.objects.filter(pk__in=demonstration.visits[start : start + BATCH]).delete()[0]
        for user in User.objects.filter(pk__in=demonstration.users):
            gone.notes += user.notes.count()
            gone.people += not people.operator(user)
            if user.faces.exists():
                people.forget(user)  # the ledger has Rekognition delete the faces
            else:
                visits.end_sessions(user)
                user.delete()
        demonstration.delete()
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
    """A person for each picture; who is known here already stays who they are."""
    for path in portraits:
        photo = read_photo(path.read_bytes())
        if isinstance(photo, Refusal):
            made.refused[path.name] = sentence(Outcome.REFUSED, photo.reason)
            continue
        with photo:
            recognition = people.remember(photo, CONSENT)
        if recognition.outcome == Outcome.REMEMBERED and recognition.user:
            yield recognition.user
        else:
            made.refused[path.name] = sentence(recognition.outcome, recognition.reason)


def make_operator() -> tuple[User, str]:
    """Who may see the desk and care for people, but is no superuser."""
    password, name = secrets.token_urlsafe(15), "demo-operator"
    if User.objects.filter(username=name).exists():
        name += f"-{secrets.token_hex(3)}"
    operator = User.objects.create_user(name, password=password, is_staff=True)
    operator.groups.add(Group.objects.get(name=groups.OPERATORS))
    return operator, password


# Visits ---------------------------------------------------------------------------------------------------------------

# RFC 5737's and RFC 3849's addresses for documentation: nobody real has one.
NETWORKS = ("192.0.2.{}", "198.51.100.{}", "203.0.113.{}", "2001:db8::{:x}")

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
    Reason.FAMILIAR: 8,
    Reason.LOOK_FAILED: 5,
    Reason.SEVERAL_FACES: 4,
    Reason.TOO_ALIKE: 2,
}


def log_visits(random: Random, users: list[User], count: int, report: Report) -> list[int]:
    """Visits of the last thirty days, in the daytime, with one hour in which Rekognition did not answer."""
    end = timezone.now()
    outage = (end - timedelta(days=12)).replace(hour=14, minute=20)
    needed = odds.current()
    rows, keys = [], []
    last: dict[int, datetime] = {}
    for _number in range(count):
        visit = one_visit(random, users, end, outage, needed)
        rows.append(visit)
        if visit.outcome == Outcome.RECOGNISED and visit.user_id:
            last[visit.user_id] = max(visit.at, last.get(visit.user_id, visit.at))
    for start in range(0, len(rows), BATCH):
        keys += [visit.pk for visit in Login.objects.bulk_create(rows[start : start + BATCH])]
        report(len(keys))
    for user in users:
        user.last_login = last.get(user.pk, user.last_login)
    User.objects.bulk_update(users, ["last_login"], batch_size=100)
    return keys


def one_visit(random: Random, users: list[User], end: datetime, outage: datetime, needed: Needed) -> Login:
    day = DAYS * (1 - math.sqrt(random.random()))  # more and more come
    at = end - timedelta(days=day)
    awake = at.replace(hour=min(23, max(0, round(random.gauss(14, 4)))))
    at = awake if awake < end else at
    user = random.choice(users) if users else None
    visit = Login(at=at, way=random.choice(Login.Way.values), device=random.choice(DEVICES))
    visit.address = random.choice(NETWORKS).format(random.randrange(1, 255))
    if abs(at - outage) < timedelta(minutes=40):
        visit.outcome = Outcome.UNAVAILABLE
        visit.rekognition_ms = random.randrange(8000, 16000)
        return visit
    chance = random.random()
    if chance < 0.84 and user:
        visit.outcome, visit.user = Outcome.RECOGNISED, user
        visit.similarity = max(needed.threshold, 100 - random.expovariate(0.5))
    elif chance < 0.94:
        visit.outcome = Outcome.REFUSED
        [visit.reason] = random.choices(list(REASONS), list(REASONS.values()))
        if visit.reason == Reason.FAMILIAR:
            visit.similarity = random.uniform(needed.familiar, needed.threshold)
        elif visit.reason == Reason.TOO_ALIKE:
            visit.similarity = random.uniform(needed.threshold, 100)
    elif chance < 0.98:
        visit.outcome = Outcome.STRANGER
    elif chance < 0.995:
        visit.outcome = Outcome.THROTTLED
    else:
        visit.outcome, visit.user = Outcome.REMEMBERED, user
    asked = visit.similarity is not None or visit.outcome in (Outcome.STRANGER, Outcome.REMEMBERED)
    visit.rekognition_ms = round(random.lognormvariate(math.log(65), 0.35)) if asked else None
    return visit


# Notes ----------------------------------------------------------------------------------------------------------------

TEXTS = (
    "# Groceries\n\n- [ ] bread\n- [x] olives\n- [ ] two lemons\n- [x] coffee, the dark one\n",
    "# Sunday\n\nCall *grandmother*. Ask her about the **recipe** and the old house.\n",
    "# Ideas for the garden\n\n1. Move the rosemary to the wall\n2. Lavender along the path\n3. A bench in shade\n",
    "# What the doctor said\n\n> Less salt, more walking.\n\nNext visit in spring.\n",
    "# A dream\n\nThe sea was as still as a table, and somebody was laying it for breakfast.\n",
    "# Books to read\n\n| book | from |\n| --- | --- |\n| The Summer Book | Noor |\n| Stoner | the library |\n",
    "# Packing\n\n- [x] passport\n- [ ] charger\n- [ ] the blue scarf\n- [ ] something to read\n",
    "# Guitar\n\nPractise the change from `G` to `C` with the metronome at 60. Then at 70.\n",
    "# Letter that I will not send\n\nYou were right, and I was too proud to say so.\n",
    "# Birthday\n\nShe wants nothing, which means a cake, candles, and nobody singing.\n",
    "# Running\n\n- Monday: 4 km, rain\n- Wednesday: 5 km\n- Saturday: 8 km, slow, happy\n",
    "# Words I keep forgetting\n\n*sillage*, *psithurism*, *apricity*.\n",
    "# Kitchen\n\nFlour 500 g, water 350 g, salt 10 g. Wait. Fold. Wait. Bake at 240 degrees.\n",
    "# Things that were good today\n\n1. The light at seven\n2. The stranger who held the door\n3. Soup\n",
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


def attach_pictures(random: Random, written: list[Note]) -> int:
    """A drawing on every ninth note, at most a dozen: each is cleaned and sealed as if somebody had brought it."""
    count = 0
    for note in written[::9][:12]:
        file = ContentFile(drawing(random), name="drawing.png")
        count += isinstance(attachments.attach(note.owner, note.pk, "drawing.png", file), Attachment)
    return count


def drawing(random: Random) -> bytes:
    """Hills under a sun, as PNG."""
    sky = random.choice(["#f0c98b", "#9ccaff", "#ffa294"])
    image = Image.new("RGB", (640, 400), sky)
    draw = ImageDraw.Draw(image)
    x = random.randrange(100, 540)
    draw.ellipse((x - 40, 60, x + 40, 140), fill="#fffdfa")
    for level, colour in enumerate(("#7a8f6b", "#566b4a", "#24272e")):
        phase, height = random.uniform(0, 6), 220 + 55 * level
        top = [(px, height + 24 * math.sin(px / 90 + phase)) for px in range(0, 641, 8)]
        draw.polygon([(0, 400), *top, (640, 400)], fill=colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
