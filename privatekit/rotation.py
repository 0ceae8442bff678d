"""One place that knows everything that is encrypted with the settings' keys, so that one command rotates all of it.

An app registers a step in its `ready()`. Whatever it forgot could not be read once the old key is gone.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple


class Progress(NamedTuple):
    """Of the rows that were not under the first key."""

    done: int
    total: int


Step = Callable[[], Iterator[Progress]]
"""Encrypts everything of one kind with the first key, and reports at the start and after each batch.

It can be stopped and started again at any point. It raises `CannotDecrypt` for a row that no key opens.
"""

steps: dict[str, Step] = {}
"""What each one encrypts, in plain words, and how."""


def register(name: str, step: Step) -> None:
    """Raises `ValueError` for a name that another step has."""
    if steps.setdefault(name, step) is not step:
        raise ValueError(f"Two steps of the key rotation are called {name}.")
