"""A client of the JSON API that knows nothing but HTTP: Python's standard library, cookies and forms."""

import http.client
import json
import re
import uuid
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

Files = dict[str, bytes | list[bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class PlainClient:
    """Keeps cookies, sends the CSRF token, and asks for JSON."""

    def __init__(self, origin: str, accept: str = "application/json") -> None:
        self.origin, self.accept = origin, accept
        self.cookies: dict[str, str] = {}

    def get(self, path: str, accept: str = "") -> Reply:
        return self.send("GET", path, b"", {"Accept": accept or self.accept})

    def post(self, path: str, fields: dict[str, str] | None = None, files: Files | None = None) -> Reply:
        body, kind = multipart(fields or {}, files) if files else (urlencode(fields or {}).encode(), FORM)
        token = self.cookies.get("csrftoken", "")
        headers = {"Accept": self.accept, "Content-Type": kind, "X-CSRFToken": token, "Referer": self.origin + path}
        return self.send("POST", path, body, headers)

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        connection = http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=60)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body or None, headers | ({"Cookie": cookie} if cookie else {}))
        answer = connection.getresponse()
        reply = Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        for header in answer.headers.get_all("Set-Cookie") or []:
            self.keep(SimpleCookie(header))
        connection.close()
        return reply

    def keep(self, cookies: SimpleCookie) -> None:
        for name, morsel in cookies.items():
            if morsel["max-age"] == "0" or not morsel.value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


FORM = "application/x-www-form-urlencoded"


def multipart(fields: dict[str, str], files: Files) -> tuple[bytes, str]:
    """A body of multipart/form-data (RFC 7578), and its content type."""
    boundary = uuid.uuid4().hex
    parts = []
    for name, value in fields.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, contents in files.items():
        for content in contents if isinstance(contents, list) else [contents]:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="photo.jpg"\r\n'
            parts.append(f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def links_in(page: str, ending: str) -> list[str]:
    """What a page loads that ends so."""
    return re.findall(rf'(?:href|src)="([^"]+{re.escape(ending)})"', page)
