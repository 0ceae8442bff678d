"""Build the wheel of faceauth: `make wheel`.

The app, what it stands on and the files in packaging/ are laid beside each other, with the translations of the app's
own sentences, which this repository keeps in one catalogue. Needs gettext, and the network for the build backend.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import neutral_words

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
    for ending, worded in (("py", neutral_words.python), ("html", neutral_words.template)):
        for file in (folder / "faceauth").rglob(f"*.{ending}"):
            file.write_text(worded(file.read_text()))
    translate(folder / "faceauth")


def translate(app: Path) -> None:
    """Make the app's Arabic catalogue: what this repository's says of the sentences that are in the app."""
    catalogue = app / "locale" / "ar" / "LC_MESSAGES" / "django.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(neutral_words.arabic((ROOT / "locale" / "ar" / "LC_MESSAGES" / "django.po").read_text()))
    django = [sys.executable, "-m", "django"]
    run([*django, "makemessages", "-l", "ar", "--no-wrap", "--no-obsolete", "--no-location", "-v0"], app)
    run([*django, "compilemessages", "-l", "ar", "-v0"], app)


def run(command: list[str], folder: Path = ROOT) -> None:
    own = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=folder, env=own, check=True)  # noqa: S603 - our own arguments


if __name__ == "__main__":
    main()
