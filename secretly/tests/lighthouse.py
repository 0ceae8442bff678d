"""Lighthouse, as it comes from npm (`npm ci`), in one Chromium for all pages."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from playwright.sync_api import BrowserContext, BrowserType

from secretly.tests.installation import Installation

MODULES = Path(os.environ.get("SECRETLY_NODE_MODULES", settings.BASE_DIR / "node_modules"))
LIGHTHOUSE = MODULES / "lighthouse" / "cli" / "index.js"
NODE = shutil.which("node")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = "" if CHROMIUM and NODE and LIGHTHOUSE.is_file() else f"Chromium, Node or Lighthouse (npm ci, in {MODULES})"

LEAST = 97  # of 100
TRIES = 3  # on a busy machine Chromium now and then does not say when a page began, which is no score
MANY = 200  # notes


@dataclass(frozen=True)
class Pages:
    """The four pages that are judged, of somebody with 200 notes."""

    session: str
    addresses: dict[str, str]


def pages_of(site: Installation) -> Pages:
    cast = json.loads(site.python("-m", "secretly.tests.cast", str(MANY)))
    addresses = {"sign-in": "/login/", "notebook": "/", "note": f"/notes/{cast['long_note']}/", "settings": "/account/"}
    return Pages(cast["sessions"]["owner"], {name: site.url + path for name, path in addresses.items()})


@contextmanager
def chromium(kind: BrowserType) -> Iterator["Judge"]:
    """A Chromium, which Lighthouse drives too, in a folder whose path is short enough for its socket."""
    with tempfile.TemporaryDirectory(prefix="glass-") as name:
        profile = Path(name) / "profile"
        args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--remote-debugging-port=0"]
        with kind.launch_persistent_context(profile, executable_path=CHROMIUM, args=args) as context:
            port = (profile / "DevToolsActivePort").read_text().split()[0]
            yield Judge(context, port, Path(name))


@dataclass(frozen=True)
class Judge:
    context: BrowserContext
    port: str
    folder: Path

    def report(self, pages: Pages, page: str, categories: tuple[str, ...], *words: str) -> dict[str, Any]:
        """What Lighthouse says of a page. Raises `RuntimeError` where it says nothing."""
        url = pages.addresses[page]
        self.context.clear_cookies()
        if page != "sign-in":
            self.context.add_cookies([{"name": "sessionid", "value": pages.session, "url": url}])
        file = self.folder / "report.json"
        command = [str(NODE), str(LIGHTHOUSE), url, f"--only-categories={','.join(categories)}", "--quiet", *words]
        command += ["--output=json", f"--output-path={file}", f"--port={self.port}"]
        command += ["--disable-storage-reset", "--no-enable-error-reporting"]
        around = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        said = ""
        for _ in range(TRIES):
            done = subprocess.run(command, env=around, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
            said = done.stderr
            if done.returncode == 0:
                report: dict[str, Any] = json.loads(file.read_text())
                said = f"{report.get('runtimeError')} at {report['finalDisplayedUrl']}"
                if "runtimeError" not in report and report["finalDisplayedUrl"] == url:
                    return report
        raise RuntimeError(f"Lighthouse has no report of {url}: {said}")


def scores_of(report: dict[str, Any]) -> dict[str, int]:
    """0 to 100 each."""
    return {name: round(100 * category["score"]) for name, category in report["categories"].items()}


def faults(report: dict[str, Any]) -> list[str]:
    """What took points away."""
    ids = [ref["id"] for category in report["categories"].values() for ref in category["auditRefs"] if ref["weight"]]
    audits = [report["audits"][name] for name in ids]
    return [f"{a['title']} {a.get('displayValue', '')}" for a in audits if a["score"] is not None and a["score"] < 0.9]
