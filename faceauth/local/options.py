"""What a developer can switch on for `rekognition_local`. Inside the site's process everything is off."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    accept_any_credentials: bool = False
    """Do not verify signatures; for tests, on the loopback interface only."""

    strict_attributes: bool = False
    """Refuse facial attributes that this service cannot measure, instead of leaving them out."""

    s3: str = ""
    """Where S3Objects are: the URL of an S3-compatible endpoint, or a folder with a folder for each bucket."""

    max_rate: float = 0.0
    """Requests a second in this process, beyond which they are throttled; 0 for no limit."""

    error_rate: float = 0.0
    """The share of requests, 0 to 1, that fail with an error that is worth a retry."""

    updating_seconds: float = 0.0
    """How long a user is UPDATING after a change of its faces."""

    memory: int = 0
    """Bytes that a process may have in memory beside the templates of its collections; 0 for no limit."""

    face_liveness: bool = False
    """Whether there are sessions of Face Liveness. They are in the memory of one process, so that must be the only."""

    origins: tuple[str, ...] = ()
    """Web origins whose scripts may call, beside those of this machine."""


_options = Options()


def options() -> Options:
    return _options


def configure(chosen: Options) -> None:
    global _options
    _options = chosen
