"""`make screenshots`: every page as people see it, written to screenshots/, for anyone to look at.

The pages come from a real installation with made-up notes. The camera stays off, and no face of anybody is shown.
A name says what it is: notebook-360-dark-en.png. Words after the command choose pages by how their names begin.
"""

import os
import shutil
import sys
from itertools import product
from typing import Any

from secretly.tests.installation import ROOT, installed

TO = ROOT / "screenshots"
# At 1280 px Arabic is looked at in the dark and English in the light, at 360 px the other way round; both in both for
# the pages that most people see, and those two on the smallest and the largest screen as well.
SIZES = {320: 640, 360: 740, 1280: 800, 3840: 2160}
FEW = {(360, "dark", "en"), (360, "light", "ar"), (1280, "light", "en"), (1280, "dark", "ar")}
ALL = set(product((360, 1280), ("dark", "light"), ("en", "ar"))) | set(product((320, 3840), ("dark",), ("en", "ar")))
LONGEST = 3000  # px of a page: enough to see how it goes on
MOST_SEEN = ("door", "consent", "notebook", "notebook-new", "note")


def main(*beginnings: str) -> None:
    with installed() as installation:
        os.environ.update(installation.environment | {"DJANGO_SETTINGS_MODULE": "secretly.settings"})
        # Playwright keeps an event loop in this thread, which makes Django think that it is called from a coroutine.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        import django

        django.setup()
        from playwright.sync_api import sync_playwright

        from secretly.tests import cast as casting

        cast = casting.make()
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            for language in ("en", "ar"):
                with browser.new_context(locale=language, reduced_motion="reduce", service_workers="block") as context:
                    take_all(context.new_page(), cast, installation.url, language, beginnings)
            browser.close()


def take_all(page: Any, cast: Any, url: str, language: str, beginnings: tuple[str, ...]) -> None:
    from secretly.tests import walk

    TO.mkdir(exist_ok=True)
    for stop in walk.stops(cast):
        if beginnings and not stop.name.startswith(beginnings):
            continue
        wanted = ALL if stop.name in MOST_SEEN else FEW
        for width, scheme, _language in sorted(shot for shot in wanted if shot[2] == language):
            page.set_viewport_size({"width": width, "height": SIZES[width]})
            page.emulate_media(color_scheme=scheme)
            walk.go(page, stop, cast, url)
            if width < 3840:
                whole = min(page.evaluate("document.documentElement.scrollHeight"), LONGEST)
                page.set_viewport_size({"width": width, "height": whole})
            page.screenshot(path=TO / f"{stop.name}-{width}-{scheme}-{language}.png")
        print(stop.name, language, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
