"""What a browser without a script does: read a page's form, and send it."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from django.test import Client


class Form(HTMLParser):
    """The first form of a page that has a text area or the given class: its fields, as they would be sent."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._inside = self._text = self._found = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("class") and not self._found:
            self._inside = self._found = True
            self.action = given.get("action")
        elif self._inside and tag == "input" and given.get("type") != "file":
            self.fields[given["name"]] = given.get("value", "")
        elif self._inside and tag == "textarea":
            self._text = True
            self.fields["text"] = ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.fields["text"] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = False
            self.fields["text"] = self.fields["text"].removeprefix("\n")  # HTML drops one, and only one
        elif tag == "form":
            self._inside = False


def send(client: Client, path: str, fields: dict[str, Any], **headers: str) -> Any:
    """POST as a form does: percent-encoded UTF-8, lines ended with CRLF."""
    lines = {name: str(value).replace("\n", "\r\n") for name, value in fields.items()}
    return send_raw(client, path, urlencode(lines).encode(), **headers)


def send_raw(client: Client, path: str, body: bytes, **headers: str) -> Any:
    return client.post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)


def open_form(client: Client, path: str) -> Form:
    return Form(client.get(path).content.decode())
