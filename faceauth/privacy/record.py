"""The privacy file of a site, from its live settings: what is processed, why, how long, where, and by whom.

A draft for whoever is responsible: the law asks for judgements that no program makes, and these are marked "to decide".
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from faceauth.conf import conf
from faceauth.policy import false_matches, thresholds

TO_DECIDE = "**to decide**"


@dataclass(frozen=True, slots=True)
class Processing:
    """One kind of data. FACEAUTH["PRIVACY"] names functions that yield those of other apps."""

    name: str
    data: str
    purpose: str
    basis: str
    """The article of the GDPR."""
    kept: str


def of_faceauth() -> Iterator[Processing]:
    given = conf()
    yield Processing(
        "Face templates",
        "numbers that describe a face, made from a picture that is not kept; ids and times",
        "to recognise the person who signs in",
        "Art. 9(2)(a), explicit consent",
        f"until consent is withdrawn; {given.PHOTO_ENROLMENT_DAYS} days for somebody whom a photo enrolled and who"
        " never came back; else until `rekognition_collection expire --inactive-days N` runs",
    )
    yield Processing(
        "Consents",
        "the version of the text, when it was given and withdrawn",
        "to show that there was consent",
        "Art. 7(1)",
        "as long as the account",
    )
    yield Processing(
        "Sign-in log",
        "time, outcome, IP address, browser, similarity, and the person where one was recognised",
        "security, and the person's own view of it",
        "Art. 6(1)(f), legitimate interest in security",
        "until `prune_sign_ins --keep-days N` runs (daily, 365 days, where the timer of docs/deploy.md runs); without"
        " the person's name after they are forgotten",
    )
    yield Processing(
        "Second factors and trusted devices",
        "public keys, sealed secrets, hashes of codes and cookies, names, times",
        "to protect the account",
        "Art. 6(1)(b), the service that the person asked for",
        f"until removed; an unused trusted device for {given.TRUSTED_DEVICE_DAYS} days",
    )
    yield Processing(
        "Liveness checks in progress",
        "measurements of the head and templates of its frames, encrypted for one session",
        "to see that a living person is there",
        "Art. 9(2)(a), explicit consent",
        "minutes; keyed digests of used frames for a day",
    )


def processings() -> list[Processing]:
    others = [one for path in conf().PRIVACY for one in import_string(path)()]
    return [*of_faceauth(), *others]


def processors() -> list[tuple[str, str, str]]:
    """Who else gets data, by the settings: the service, what it gets, and where it is."""
    given = conf()
    found = []
    if given.ENDPOINT == "aws":
        found.append(("Amazon Rekognition", "pictures in transit, and the face templates", f"AWS, {given.REGION}"))
    elif given.ENDPOINT != "local":
        found.append(("A recogniser", "pictures in transit, and the face templates", given.ENDPOINT))
    host = settings.DATABASES["default"].get("HOST")
    if host:
        found.append(("The database server", "all rows", str(host)))
    cache = settings.CACHES.get("default", {}).get("LOCATION")
    if isinstance(cache, str) and "://" in cache:
        found.append(
            ("The cache server", "counts by address and session, for minutes or a day", urlsplit(cache).hostname or "")
        )
    storage = settings.STORAGES.get("default", {})
    bucket = storage.get("OPTIONS", {}).get("bucket_name")
    if bucket:
        found.append(("Object storage", "files", f"the bucket {bucket}"))
    return found


def document() -> str:
    """The privacy file, in Markdown."""
    parts = [heading(), record_of_processing(), retention(), subprocessors(), assessment()]
    return "\n\n".join(parts) + "\n"


def heading() -> str:
    name = conf().SITE_NAME or "this site"
    return (
        f"# Privacy file of {name}\n\nMade by `manage.py privacy_file` from the settings that are in force. Draft: what"
        f" is marked {TO_DECIDE} is for whoever is responsible.\n\nController: {conf().CONTROLLER or TO_DECIDE}\n\n"
        f"Data protection officer, where there is one: {TO_DECIDE}"
    )


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def record_of_processing() -> str:
    """GDPR, Art. 30(1)."""
    rows = [(it.name, it.data, it.purpose, it.basis) for it in processings()]
    return (
        "## Record of processing activities (GDPR, Art. 30)\n\nData subjects: people who sign in, and visitors whose"
        " attempt was refused.\n\n"
        + table(("activity", "data", "purpose", "legal basis"), rows)
        + "\n\nMeasures: pictures in memory alone; templates and secrets encrypted at rest (AES-256-GCM, rotated keys);"
        " sealed rows; rate limits; fresh proof before sensitive acts; deletion by a ledger, with a receipt."
        "\n\nRights: people see, export and delete what is stored about them, and withdraw consent, on their account's"
        " pages, at once. Objections to the sign-in log (Art. 21), and complaints, come to the controller."
    )


def retention() -> str:
    rows = [(it.name, it.kept) for it in processings()]
    return f"## Retention schedule\n\n{table(('what', 'how long'), rows)}\n\nBackups, and logs of proxies: {TO_DECIDE}."


def subprocessors() -> str:
    rows = processors()
    if not rows:
        return "## Processors\n\nNone by the settings: recogniser, database and files are on this machine."
    told = f"Contracts (Art. 28) and transfers to third countries (Art. 44): {TO_DECIDE}."
    if conf().ENDPOINT == "aws":
        told += f" AWS may use pictures for its services until you opt out (AI services opt-out policy): {TO_DECIDE}."
    return "## Processors\n\n" + table(("who", "gets", "where"), rows) + f"\n\n{told}"


def assessment() -> str:
    """A draft of GDPR, Art. 35(7): description, necessity, risks, measures."""
    given, now = conf(), thresholds.outlook()
    rows = [
        (
            "Somebody else is let in by a similar face",
            f"the threshold follows the people ({now.people} now); at most {false_matches.as_words(given.TARGET_FPIR)}"
            " attempts of a stranger; a second factor where the face is not enough",
        ),
        (
            "A picture, film or mask of the person is shown",
            f"photos: `{given.PHOTOS}`; a liveness check by random movements, which can be beaten: docs/liveness.md has"
            " the measured rates; trusted devices and second factors",
        ),
        ("People are recognised less well by sex, age or skin", "measured by groups in docs/models.md; other ways in"),
        ("Templates are stolen", "encrypted under keys outside the database; never shown, exported or logged"),
        ("Somebody is enrolled without knowing", f"enrolment: `{given.ENROLMENT}`; consent is asked for and kept"),
    ]
    return (
        "## Data protection impact assessment (GDPR, Art. 35), draft\n\nBiometric data to identify people uniquely is"
        " processed (Art. 9), so an assessment is needed.\n\n"
        f"Necessity and proportion, against signing in by password or passkey alone: {TO_DECIDE}\n\n"
        + table(("risk", "measures in force"), rows)
        + f"\n\nWhat remains, and whether it is acceptable: {TO_DECIDE}. Views of the people concerned: {TO_DECIDE}."
    )
