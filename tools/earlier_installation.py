"""Make an installation as an earlier version would have left it.

`python -m tools.earlier_installation HOME PICTURE...`. The source of that version comes from the history of this
repository, and runs in the environment of today. Each picture becomes a person with a note, an authenticator app,
recovery codes and a choice about photos; the demonstration adds people without a face, sign-ins and more notes. What
was made is printed as JSON: the test of the migrations compares it with what today's version reads.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
COMMIT = "ebcf2e8"
"""The last commit before the faceauth app was divided into packages and its models were renamed."""

FILL = """
import io, json, os, sys
import django
django.setup()
from django.core.management import call_command
from django.contrib.auth.models import User
from faceauth import locks, people
from faceauth.images import read_photo
from faceauth.models import CodeApp, Consent, Face, Login, PhotoPath
from notes.models import Attachment, Note

quiet = {"stdout": io.StringIO(), "stderr": io.StringIO()}
call_command("migrate", verbosity=0)
call_command("rekognition_collection", "create", **quiet)
call_command("demo", "--people", "6", "--visits", "150", **quiet)
known = {}
for path in sys.argv[1:]:
    person = people.remember(read_photo(open(path, "rb").read()), "text").user
    Note.objects.write(person, "A note of the person in " + os.path.basename(path))
    app = locks.app_to_confirm(person, None)
    CodeApp.objects.filter(pk=app.pk).update(confirmed=True, name="phone")
    codes = locks.make_recovery_codes(person)
    PhotoPath.objects.create(user=person, choice="with_lock")
    known[path] = {"user": person.username, "secret": locks.secret_text(app), "code": codes[0]}
print(json.dumps({
    "people": known,
    "users": sorted(User.objects.values_list("username", flat=True)),
    "notes": {str(note.pk): note.text for note in Note.objects.all()},
    "attachments": sorted(str(pk) for pk in Attachment.objects.values_list("pk", flat=True)),
    "faces": sorted(str(pk) for pk in Face.objects.values_list("face_id", flat=True)),
    "consents": Consent.objects.count(),
    "sign_ins": Login.objects.count(),
}))
"""


def main() -> int:
    """Parse the command line, make the installation and print what is in it."""
    parser = argparse.ArgumentParser(description="Make an installation as an earlier version would have left it.")
    parser.add_argument("home", type=Path, help="an empty folder, which becomes its SECRETLY_HOME")
    parser.add_argument("pictures", type=Path, nargs="+", help="pictures of one face each; each becomes a person")
    parser.add_argument("--commit", default=COMMIT, help="the version (default: %(default)s)")
    options = parser.parse_args()
    if not known(options.commit):
        print(f"{options.commit} is not in this copy of the repository: fetch its whole history.", file=sys.stderr)
        return 1
    print(json.dumps(make(options.home, options.pictures, options.commit)))
    return 0


def known(commit: str = COMMIT) -> bool:
    """Whether this copy of the repository has the commit; one without history does not."""
    look = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(look, cwd=ROOT, capture_output=True).returncode == 0  # noqa: S603


def make(home: Path, pictures: list[Path], commit: str = COMMIT) -> dict[str, Any]:
    """Fill `home`, and return what is in it.

    Raises `subprocess.CalledProcessError` where the earlier version does not run.
    """
    with tempfile.TemporaryDirectory() as source:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)  # noqa: S603, S607
        subprocess.run(["tar", "-x", "-C", source], input=archive.stdout, check=True)  # noqa: S603, S607
        environment = {
            "PATH": os.environ["PATH"],
            "SECRETLY_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "secretly.settings",
        }
        command = [sys.executable, "-W", "ignore", "-c", FILL, *map(str, pictures)]
        done = subprocess.run(command, cwd=source, env=environment, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    filled: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return filled


if __name__ == "__main__":
    sys.exit(main())
