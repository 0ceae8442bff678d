"""Helpers for the tests of the local service: faces without pictures, and other processes."""

import base64
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from numpy.typing import NDArray

from faceauth.local import service
from faceauth.local.models import Collection, Face, User, begin_change

Template = NDArray[np.float32]


def some_templates(count: int, seed: int = 1) -> Template:
    """Random templates, (count, 128), no two of them similar."""
    vectors = np.random.default_rng(seed).standard_normal((count, 128)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def collection_named(name: str = "people") -> Collection:
    return Collection.objects.create(collection_id=name)


def add_faces(templates: Template, name: str = "people") -> list[str]:
    """Add faces with these templates to the collection; returns their FaceIds."""
    with transaction.atomic():
        collection = begin_change(name)
        faces = [face_with(template, collection) for template in templates]
        Face.objects.bulk_create(faces)
        Collection.objects.filter(pk=collection.pk).update(face_count=F("face_count") + len(faces))
    return [str(face.face_id) for face in faces]


def face_with(template: Template, collection: Collection, **fields: Any) -> Face:
    """A face that is not stored yet."""
    box = {"left": 0.1, "top": 0.2, "width": 0.3, "height": 1 / 3}
    face = Face(
        collection=collection, image_id=uuid.uuid4(), confidence=99.5, sequence=collection.sequence, **box, **fields
    )
    face.set_template(collection, template)
    return face


def filled(collection_id: str) -> Collection:
    """A collection with two users, one of whom has two faces, and three faces without a user."""
    made = begin_change(collection_id)
    for number, template in enumerate(some_templates(5)):
        user = User(collection=made, user_id=f"user {uuid.uuid4()}", sequence=made.sequence) if number < 2 else None
        if user:
            user.set_template(made, template)
            user.save()
        for other in some_templates(2 if number == 0 else 1, seed=9):
            face = face_with(unit(template + other / 9), made, external_image_id=f"person-{number}")
            face.give_to(user)
            face.save()
    Collection.objects.filter(pk=made.pk).update(face_count=6)
    return Collection.objects.get(pk=made.pk)


def unit(vector: Any) -> Any:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def call(operation: str, **parameters: Any) -> dict[str, Any]:
    """The service's answer; "status" is the HTTP status. Bytes in the parameters are encoded."""
    answer = service.answer(f"RekognitionService.{operation}", json.dumps(parameters, default=encoded).encode())
    return {"status": answer.status, **json.loads(answer.body)}


def encoded(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)


def names_of(answer: dict[str, Any]) -> list[str]:
    """The FaceIds that matched, the most similar first."""
    return [match["Face"]["FaceId"] for match in answer["FaceMatches"]]


# Other processes ------------------------------------------------------------------------------------------------------


class Worker:
    """Another process with the service; see local_worker.py."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "faceauth.tests.local_worker"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, operation: str, **parameters: Any) -> None:
        if self.process.stdin is None:
            raise RuntimeError("The worker has no stdin.")
        self.process.stdin.write(json.dumps([operation, parameters], default=encoded) + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        if self.process.stdout is None:
            raise RuntimeError("The worker has no stdout.")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"The worker is gone: {self.process.wait(10)}.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        self.send(operation, **parameters)
        return self.receive()

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def workers(home: str, count: int) -> Iterator[list[Worker]]:
    """Processes that share one database: a new one in `home`, or PostgreSQL's of this test run."""
    environment = os.environ | {"SECRETLY_HOME": home, "DJANGO_SETTINGS_MODULE": "secretly.settings"}
    environment["SECRETLY_ENCRYPTION_KEYS"] = ",".join(settings.ENCRYPTION_KEYS)
    if connection.vendor == "postgresql":
        there = connection.settings_dict
        environment["DATABASE_URL"] = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**there)
    else:
        environment.pop("DATABASE_URL", None)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=settings.BASE_DIR,
            env=environment,
            check=True,
        )
    started = [Worker(environment) for _ in range(count)]
    try:
        yield started
    finally:
        for worker in started:
            worker.kill()
