"""What Chromium reports of the transition from one page to the next."""

from collections.abc import Callable

from playwright.sync_api import Error


def cut_short(error: object) -> bool:
    """Whether an error only says that a page went on before its transition was over, which harms nothing."""
    return "Transition was aborted" in str(error)


def faults(found: list[str]) -> Callable[[Error], None]:
    """Collects what else a page's scripts throw."""

    def collect(error: Error) -> None:
        if not cut_short(error):
            found.append(str(error))

    return collect
