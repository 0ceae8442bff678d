"""A clock that tests move."""


class Clock:
    """Stands in for `time.time`: seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now
