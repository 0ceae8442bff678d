"""Build the wheel of faceauth: `make wheel`.

The app, what it stands on and the files in packaging/ are laid beside each other, with the translations of the app's
own sentences, which this repository keeps in one catalogue. Needs gettext, and the network for the build backend.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tools.neutral_words import arabic, english

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("faceauth", "privatekit")
UNWANTED = shutil.ignore_patterns("tests", "conftest.py", "__pycache__", "*.pyc", "locale")


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist").resolve()
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        stage(Path(folder))
        run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), folder])
    print(*sorted(out.glob("django_faceauth-*.whl")), sep="\n")


def stage(folder: Path) -> None:
    """Lay the sources of the wheel into the empty folder."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=UNWANTED)
    for file in (ROOT / "LICENSE", *(ROOT / "packaging").iterdir()):
        shutil.copy(file, folder)
    translate(folder / "faceauth", "ar", arabic)
    translate(folder / "faceauth", "en", english)


def translate(app: Path, language: str, worded: Callable[[str], str]) -> None:
    """Make the app's catalogue: what this repository's says of the sentences that are in the app, in neutral words."""
    catalogue = app / "locale" / language / "LC_MESSAGES" / "django.po"
    catalogue.parent.mkdir(parents=True)
    known = ROOT / "locale" / language / "LC_MESSAGES" / "django.po"
    if known.exists():
        shutil.copy(known, catalogue)
    django = [sys.executable, "-m", "django"]
    run([*django, "makemessages", "-l", language, "--no-wrap", "--no-obsolete", "--no-location", "-v0"], app)
    catalogue.write_text(worded(catalogue.read_text()))
    run([*django, "compilemessages", "-l", language, "-v0"], app)


def run(command: list[str], folder: Path = ROOT) -> None:
    own = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=folder, env=own, check=True)  # noqa: S603 - our own arguments


if __name__ == "__main__":
    main()
