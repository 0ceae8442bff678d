"""What the notebook processes, for the privacy file."""

from collections.abc import Iterator

from faceauth.privacy.record import Processing


def of_notes() -> Iterator[Processing]:
    yield Processing(
        "Notes and attachments",
        "what people write and attach, encrypted under a key of each person",
        "the notebook",
        "Art. 6(1)(b), the service that the person asked for",
        "until the person deletes them or is forgotten; in the trash until `empty_trash` runs",
    )
