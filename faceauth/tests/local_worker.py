"""A process with the local service: a line in with an operation and its parameters, a line out with the answer.

`add_faces` takes templates instead of pictures. `stop_after_writing` makes the next IndexFaces wait within its
transaction, to be killed there.
"""

import json
import sys
import time
from typing import Any

import django

django.setup()

from django.db.models import QuerySet  # noqa: E402

from faceauth.local import service  # noqa: E402
from faceauth.tests.local import add_faces, some_templates  # noqa: E402


def stop_after_writing() -> dict[str, Any]:
    really_create = QuerySet.bulk_create

    def create_and_wait(*args: Any, **kwargs: Any) -> Any:
        really_create(*args, **kwargs)
        say({"written": True})
        time.sleep(600)

    QuerySet.bulk_create = create_and_wait  # type: ignore[method-assign]
    return {}


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def answer(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    if operation == "stop_after_writing":
        return stop_after_writing()
    if operation == "add_faces":
        return {"face_ids": add_faces(some_templates(**parameters))}
    answered = service.answer(f"RekognitionService.{operation}", json.dumps(parameters).encode())
    return {"status": answered.status, **json.loads(answered.body)}


for line in sys.stdin:
    say(answer(*json.loads(line)))
