"""Tests that run in a process of their own, with little memory."""

import os
import resource
import subprocess
import sys
from pathlib import Path

from django.conf import settings

PROGRAM = """
import django
django.setup()
from privatekit.tests.limited import limit
from {module} import {function}
limit({room})
{function}()
"""


def limit(room: int) -> None:
    """Let this process take so many bytes of address space more than it has."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + room, taken + room))


def run_limited(module: str, function: str, room: int) -> None:
    """Fails where the function does, or ends the process."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM.format(module=module, function=function, room=room)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "secretly.tests.settings", "MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:])
