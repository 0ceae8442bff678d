"""Signing in as the tests do it: by a chosen photo or a frame of the camera, and the answer to the consent question."""

import base64
import re
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

JSON = {"Accept": "application/json"}


def send_photo(client: Client, data: bytes, headers: Any = None, **fields: Any) -> Any:
    """Post a photo as a chosen file."""
    file = SimpleUploadedFile("me.jpg", data, "image/jpeg")
    return client.post("/login/", {"file": file, **fields}, headers=headers)


def send_frame(client: Client, data: bytes, headers: Any = None) -> Any:
    """Post a photo as the camera's frame."""
    url = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return client.post("/login/", {"image": url}, headers=headers)


def sealed_in(response: Any) -> str:
    found = re.search(r'name="sealed" value="([^"]+)"', response.content.decode())
    assert found, response.content.decode()
    return found[1]


def answer_consent(client: Client, response: Any, answer: str = "yes", **headers: Any) -> Any:
    return client.post("/login/enrol/", {"sealed": sealed_in(response), "answer": answer}, **headers)


def signed_in(client: Client) -> User | None:
    return User.objects.filter(pk=client.session.get("_auth_user_id") or 0).first()


def enrol_by_photo(client: Client, data: bytes) -> User:
    """Enrol somebody new by a chosen photo, and return them."""
    answer_consent(client, send_photo(client, data))
    user = signed_in(client)
    assert user is not None
    return user
