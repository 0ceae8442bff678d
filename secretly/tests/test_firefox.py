"""The pages that most people see, in Firefox: axe-core finds no problem, nothing is cut off, and the scripts run.

Firefox comes from Debian (firefox-esr), and is driven by puppeteer-core from npm over WebDriver BiDi. Playwright's own
Firefox is a patched one that no package has.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from secretly.tests.test_walk import AXE, MODULES, cast  # noqa: F401 - a fixture

NODE = shutil.which("node")
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
SCRIPT = Path(__file__).with_name("firefox.mjs")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(FIREFOX is None, reason="There is no Firefox here (firefox-esr), so no page was seen in it."),
    pytest.mark.skipif(NODE is None or not AXE.is_file(), reason=f"puppeteer-core is not in {MODULES}: npm ci."),
]


def test_firefox_shows_the_pages(cast: Any, live_server: LiveServer, tmp_path: Path) -> None:  # noqa: F811
    home, note = reverse("notes:list"), reverse("notes:note", args=[cast.long_note])
    stops = [
        ("sign-in", reverse("faceauth:login"), "nobody", ""),
        ("notebook", home, "owner", ""),
        ("notebook of a newcomer", home, "newcomer", ""),
        ("notebook", home, "owner", "open a note"),
        ("notebook", home, "owner", "search"),
        ("note", note, "owner", ""),
        ("trash", reverse("notes:trash"), "owner", ""),
        ("export", reverse("notes:export"), "owner", ""),
    ]
    pages = [
        {"name": name, "url": live_server.url + path, "session": cast.sessions.get(who), "does": does}
        for name, path, who, does in stops
    ]
    asked = {"firefox": FIREFOX, "folder": str(tmp_path / "firefox"), "axe": str(AXE), "pages": pages}
    # Beside the modules, or they are not found.
    script = shutil.copy(SCRIPT, MODULES.parent / f".firefox-{os.getpid()}.mjs") if outside() else SCRIPT
    try:
        done = subprocess.run(  # noqa: S603
            [str(NODE), str(script)],
            input=json.dumps(asked),
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    finally:
        if script != SCRIPT:
            Path(script).unlink()
    assert done.returncode == 0, done.stderr
    faults = json.loads(done.stdout)
    assert faults == [], "\n".join(faults)


def outside() -> bool:
    return MODULES.parent not in SCRIPT.parents
