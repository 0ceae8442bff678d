"""Large pictures, in a process of their own: the worker stays small, and what breaks a decoder ends one request.

The process gets the picture by a pipe and nothing else: no settings, no keys, no database. Its memory has a hard limit.
"""

import importlib
import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from privatekit import images, memory
from privatekit.images import BadPicture, Busy, TooLarge

ROOT = Path(__file__).parent.parent
MEMORY = 2 * images.BUDGET
"""Bytes of private memory besides Python's. The budget is of what is touched; decoders reserve more than that."""
SECONDS = 60.0
PROGRAM = "from privatekit import aside; aside.main()"
ERRORS: dict[str, type[BadPicture]] = {"TooLarge": TooLarge, "BadPicture": BadPicture}

one_at_a_time = threading.Lock()


def run(function: str, data: bytes, **arguments: Any) -> tuple[list[Any], list[bytes]]:
    """What `package.module:function` gives for a picture: a list of JSON, and parts of bytes.

    Raises `BadPicture` and its kinds.
    """
    if not one_at_a_time.acquire(timeout=images.WAIT):
        raise Busy
    try:
        done = subprocess.run(  # noqa: S603 - this program, and a name of ours
            [sys.executable, "-c", PROGRAM, function, json.dumps(arguments)],
            input=data,
            capture_output=True,
            env={"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "PATH": os.environ.get("PATH", "")},
            timeout=SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError, MemoryError) as error:
        raise Busy from error
    finally:
        one_at_a_time.release()
    if done.returncode:  # it was stopped by its limit, or a decoder broke
        raise BadPicture
    return parsed(done.stdout)


def parsed(answer: bytes) -> tuple[list[Any], list[bytes]]:
    (length,) = struct.unpack_from(">I", answer)
    head = json.loads(answer[4 : 4 + length])
    if head["error"]:
        raise ERRORS.get(head["error"], BadPicture)
    parts, at = [], 4 + length
    for size in head["sizes"]:
        parts.append(answer[at : at + size])
        at += size
    return head["words"], parts


def main() -> None:
    """In the other process."""
    module, _, name = sys.argv[1].partition(":")
    error, words, parts = "", list[Any](), list[bytes]()
    try:
        function = getattr(importlib.import_module(module), name)
        memory.give_back()
        memory.allow(MEMORY)
        words, parts = function(sys.stdin.buffer.read(), **json.loads(sys.argv[2]))
    except BadPicture as refusal:
        error = type(refusal).__name__
    except MemoryError:
        error = TooLarge.__name__
    head = json.dumps({"error": error, "words": words, "sizes": [len(part) for part in parts]}).encode()
    for part in (struct.pack(">I", len(head)), head, *parts):
        sys.stdout.buffer.write(part)
