"""The progress bar of the commands: on a terminal only."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from django.conf import settings as django_settings


@pytest.mark.slow
@pytest.mark.parametrize("where", ["terminal", "pipe", "json"])
def test_progress_is_for_a_terminal(where: str, tmp_path: Path) -> None:
    """A process of its own: a bar on a terminal, none in a pipe nor with --json; and a real exit status."""
    surroundings = {**os.environ, "SECRETLY_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "secretly.settings"}
    manage = [sys.executable, str(django_settings.BASE_DIR / "manage.py")]
    for setup in (["migrate", "--verbosity=0"], ["rekognition_collection", "create"]):
        subprocess.run([*manage, *setup], env=surroundings, check=True, capture_output=True)  # noqa: S603
    people = "from django.contrib.auth.models import User; User.objects.create_user('without a face')"
    subprocess.run([*manage, "shell", "-v0", "-c", people], env=surroundings, check=True)  # noqa: S603
    doctor = [*manage, "rekognition_collection", "doctor", *(["--json"] if where == "json" else [])]
    if where == "pipe":
        done = subprocess.run(doctor, env=surroundings, capture_output=True, text=True)  # noqa: S603
        assert "faces/s" not in done.stdout + done.stderr
        assert "user_without_face" in done.stdout
        assert done.returncode == 3
        return
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    process = subprocess.Popen(doctor, env=surroundings, stdin=theirs, stdout=theirs, stderr=theirs)  # noqa: S603
    os.close(theirs)
    seen = b""
    while piece := read_some(ours):
        seen += piece
    os.close(ours)
    assert process.wait(60) == 3
    assert (b"faces/s" in seen) == (where == "terminal")
    assert b"user_without_face" in seen


def read_some(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""
