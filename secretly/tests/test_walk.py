"""Every page of the site, in English and Arabic, dark and light: axe-core finds no problem, and nothing is cut off.

axe-core comes from npm: `npm ci`; SECRETLY_NODE_MODULES names another folder.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, ViewportSize
from pytest_django.live_server_helper import LiveServer

from faceauth.conf import conf
from faceauth.rekognition.collection import Collection
from secretly.tests import cast as casting
from secretly.tests import walk
from secretly.tests.cast import Cast

MODULES = Path(os.environ.get("SECRETLY_NODE_MODULES", settings.BASE_DIR / "node_modules"))
AXE = MODULES / "axe-core" / "axe.min.js"

# WCAG 2.2 A and AA, and what axe-core calls best practices; a target's size (2.5.8) has to be asked for.
CHECK = """async (only) => {
    const options = { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] };
    if (only) options.runOnly = { type: "rule", values: [only] };
    const { violations } = await axe.run(document, options);
    return violations.map(({ id, help, nodes }) => [id, help, ...nodes.map(({ target, any }) =>
        `${target} ${any.map(({ message }) => message).join("; ")}`)]);
}"""
# Buttons change their colours by a transition, which however short ends with a later frame.
DRAWN = """new Promise(requestAnimationFrame).then(() =>
    Promise.allSettled(document.getAnimations().map(({ finished }) => finished))).then(() => true)"""
# What Django's own widgets and lists of filters in the admin come with, and an operator can live with.
OF_DJANGO = {"aria-prohibited-attr", "label", "label-title-only", "link-name", "target-size"}
NARROW: ViewportSize = {"width": 320, "height": 640}
WIDE: ViewportSize = {"width": 1280, "height": 800}


@pytest.fixture
def cast(transactional_db: None, settings: Any, tmp_path: Path) -> Cast:
    settings.MEDIA_ROOT = tmp_path
    Collection(conf().COLLECTION).create()
    return casting.make()


@pytest.mark.django_db(transaction=True)
def test_the_walk_visits_every_page(cast: Cast) -> None:
    assert walk.names() - walk.walked(cast) == set(walk.ANSWERS_WITHOUT_A_PAGE)


@pytest.fixture
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    # The service worker would fetch the pages that the walk puts in the place of others.
    with chromium.new_context(
        locale=request.param, viewport=WIDE, reduced_motion="reduce", service_workers="block"
    ) as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not AXE.is_file(), reason=f"axe-core is not in {MODULES}: npm ci.")
@pytest.mark.parametrize("page", ["en", "ar"], indirect=True)
def test_every_page_is_accessible(page: Page, cast: Cast, live_server: LiveServer) -> None:
    script = AXE.read_text()
    faults = []
    for stop in walk.stops(cast):
        page.emulate_media(color_scheme="dark")
        walk.go(page, stop, cast, live_server.url)
        page.evaluate(script)
        faults += [(stop.name, "dark", *fault) for fault in page.evaluate(CHECK, None)]
        page.emulate_media(color_scheme="light")
        page.evaluate(DRAWN)
        faults += [(stop.name, "light", *fault) for fault in page.evaluate(CHECK, "color-contrast")]
        page.set_viewport_size(NARROW)
        faults += [(stop.name, "narrow", *fault) for fault in page.evaluate(CHECK, "target-size")]
        if page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]:
            faults.append((stop.name, "narrow", "it is wider than 320 px"))
        page.set_viewport_size(WIDE)
    faults = [fault for fault in faults if not (fault[0].startswith("admin") and fault[2] in OF_DJANGO)]
    assert faults == [], "\n".join(map(str, faults))
