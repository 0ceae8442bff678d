"""The HTTP service: signatures, bodies and limits."""

import io
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from botocore import auth
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from faceauth.local import http, signature
from faceauth.local.errors import Code, Refused
from faceauth.tests.local_endpoints import KEY_ID, SECRET, post, serving, signed_headers
from secretly import environment

LIST = "RekognitionService.ListCollections"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(str(tmp_path_factory.mktemp("wire"))) as url:
        yield url


def error_of(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    status, headers, body = answer
    members = json.loads(body)
    assert headers["x-amzn-ErrorType"] == members["__type"] == members["Code"]
    assert b"Traceback" not in body
    return status, members["__type"]


def signed(url: str, body: bytes = b"{}", **changed: str) -> dict[str, str]:
    """The headers of a good request, some of them changed after it was signed; an empty one is left out."""
    headers = signed_headers(url, LIST, body) | {name.replace("_", "-"): value for name, value in changed.items()}
    return {name: value for name, value in headers.items() if value}


def test_a_signed_request_is_answered(server: str) -> None:
    status, headers, body = post(server, signed(server), b"{}")
    assert (status, json.loads(body)) == (200, {"CollectionIds": [], "FaceModelVersions": []})
    assert headers["Content-Type"] == "application/x-amz-json-1.1"


def test_an_unsigned_request_is_refused(server: str) -> None:
    assert error_of(post(server, signed(server, Authorization=""), b"{}")) == (
        400,
        "MissingAuthenticationTokenException",
    )


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic eDp5",
        "AWS4-HMAC-SHA256",
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}, SignedHeaders=host, Signature=x",
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/x, SignedHeaders=host, Signature={'0' * 64}",
        "AWS4-HMAC-SHA256 " + "x" * 5000,
    ],
)
def test_a_malformed_authorization_header(server: str, authorization: str) -> None:
    answer = post(server, signed(server, Authorization=authorization), b"{}")
    assert error_of(answer) == (400, "IncompleteSignatureException")


def test_an_unknown_key(server: str) -> None:
    headers = signed_headers(server, LIST, b"{}", key_id="AKIDSOMEBODYELSE")
    assert error_of(post(server, headers, b"{}")) == (400, "UnrecognizedClientException")


def test_a_known_key_with_another_secret(server: str) -> None:
    headers = signed_headers(server, LIST, b"{}", secret=SECRET + "!")
    assert error_of(post(server, headers, b"{}")) == (400, "InvalidSignatureException")


def test_a_temporary_credential(server: str) -> None:
    headers = signed(server)
    headers["Authorization"] = headers["Authorization"].replace("x-amz-date;", "x-amz-date;x-amz-security-token;")
    headers["X-Amz-Security-Token"] = "x"
    assert error_of(post(server, headers, b"{}")) == (400, "UnrecognizedClientException")


@pytest.mark.parametrize(
    "changed",
    [
        {"X_Amz_Target": "RekognitionService.DeleteCollection"},
        {"X_Amz_Content_SHA256": "UNSIGNED-PAYLOAD"},
        {"X_Amz_Anything": "not signed"},
        {"Host": "elsewhere"},
        {"Content_Type": "application/x-amz-json-1.0"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_signed_header_may_not_change(server: str, changed: dict[str, str]) -> None:
    assert error_of(post(server, signed(server, b"{}", **changed), b"{}")) == (400, "InvalidSignatureException")


def test_the_body_may_not_change(server: str) -> None:
    assert error_of(post(server, signed(server), b'{"MaxResults": 1}')) == (400, "InvalidSignatureException")


@pytest.mark.parametrize(("minutes", "words"), [(-60, "Signature expired"), (60, "not yet current"), (-6, "expired")])
def test_a_clock_that_is_wrong(server: str, minutes: int, words: str) -> None:
    then = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=minutes)
    with mock.patch.object(auth, "get_current_datetime", return_value=then):
        headers = signed(server)
    answer = post(server, headers, b"{}")
    assert error_of(answer) == (400, "InvalidSignatureException")
    assert words in json.loads(answer[2])["Message"]


def test_a_clock_that_is_four_minutes_slow(server: str) -> None:
    then = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=4)
    with mock.patch.object(auth, "get_current_datetime", return_value=then):
        headers = signed(server)
    assert post(server, headers, b"{}")[0] == 200


def test_the_date_cannot_be_moved_without_signing_again(server: str) -> None:
    now = datetime.now(UTC).strftime(signature.TIMESTAMP)
    then = (datetime.now(UTC) - timedelta(minutes=3)).replace(tzinfo=None)
    with mock.patch.object(auth, "get_current_datetime", return_value=then):
        headers = signed(server)
    assert error_of(post(server, headers | {"X-Amz-Date": now}, b"{}")) == (400, "InvalidSignatureException")
    assert error_of(post(server, headers | {"X-Amz-Date": "now"}, b"{}")) == (400, "IncompleteSignatureException")


@pytest.mark.parametrize(("date", "service"), [("20200101", "rekognition"), ("today", "s3")])
def test_a_credential_of_another_day_or_service(server: str, date: str, service: str) -> None:
    headers = signed(server)
    today = headers["X-Amz-Date"][:8]
    was = f"{today}/eu-central-1/rekognition"
    now = f"{today if date == 'today' else date}/eu-central-1/{service}"
    headers["Authorization"] = headers["Authorization"].replace(was, now)
    assert error_of(post(server, headers, b"{}")) == (400, "InvalidSignatureException")


# What is sent ---------------------------------------------------------------------------------------------------------


def raw(url: str, request: bytes) -> bytes:
    """What comes back on a bare connection, until it is closed."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port or 80), 20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


@contextmanager
def refused(code: Code) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.code == code


def head(method: str = "POST", path: str = "/", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Connection: close"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode("latin-1")


def test_another_path_or_method(server: str) -> None:
    for method, path in (("GET", "/"), ("POST", "/admin/"), ("POST", "/?Action=ListCollections"), ("DELETE", "/")):
        answer = raw(server, head(method, path, Host="localhost"))
        assert b"400 Bad Request" in answer
        assert b"UnknownOperationException" in answer


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: str) -> None:
    length = str(http.MAX_BYTES + 1)
    headers = signed(server) | {"Content-Length": length, "Host": urlsplit(server).netloc}
    answer = raw(server, head(**headers))
    assert b"413 " in answer
    assert b"RequestEntityTooLargeException" in answer


@pytest.mark.parametrize("length", [None, "", "-1", "1e3", "²"])
def test_a_content_length_is_required(length: str | None) -> None:
    with refused(Code.SERIALIZATION):
        http.read_body({"CONTENT_LENGTH": length, "wsgi.input": io.BytesIO()})


def test_a_body_that_ends_too_soon(server: str) -> None:
    headers = signed(server, b"{}  ") | {"Content-Length": "4", "Host": urlsplit(server).netloc}
    assert b"SerializationException" in raw(server, head(**headers) + b"{}")


def test_a_body_that_comes_too_slowly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_DEADLINE", -1.0)
    with refused(Code.SERIALIZATION):
        http.read_body({"CONTENT_LENGTH": "4", "wsgi.input": io.BytesIO(b"{}{}")})


def test_a_body_that_stops_is_refused() -> None:
    silent = mock.Mock(read=mock.Mock(side_effect=BlockingIOError))
    with refused(Code.SERIALIZATION):
        http.read_body({"CONTENT_LENGTH": "4", "wsgi.input": silent})


def test_several_requests_on_one_connection(server: str) -> None:
    address = urlsplit(server)
    request = head(**signed(server), **{"Content-Length": "2"}, Host=address.netloc) + b"{}"
    request = request.replace(b"Connection: close\r\n", b"")
    with socket.create_connection((address.hostname, address.port or 80), 20) as connection:
        for _ in range(3):
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK")


# The command ----------------------------------------------------------------------------------------------------------


def test_without_credentials_it_does_not_start(settings: Settings) -> None:
    settings.FACEAUTH = settings.FACEAUTH | {"LOCAL_SECRET_KEYS": {}}
    with pytest.raises(CommandError, match="REKOGNITION_LOCAL_CREDENTIALS"):
        call_command("rekognition_local")


# Anything at all ------------------------------------------------------------------------------------------------------

AMZ = ("AUTHORIZATION", "HOST", "X_AMZ_DATE", "X_AMZ_TARGET", "X_AMZ_CONTENT_SHA256")
NAMES = st.sampled_from([*(f"HTTP_{name}" for name in AMZ), "CONTENT_LENGTH"])
SCOPE = f"{KEY_ID}/20260101/x/rekognition/aws4_request"
WRONG_SIGNATURE = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature={'0' * 64}"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headers=st.dictionaries(NAMES, st.text(st.characters(max_codepoint=255), max_size=300)), body=st.binary())
@example(headers={"HTTP_AUTHORIZATION": WRONG_SIGNATURE, "HTTP_X_AMZ_DATE": "20260101T000000Z"}, body=b"")
def test_unsigned_headers_of_any_kind_are_refused(headers: dict[str, str], body: bytes) -> None:
    environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "wsgi.input": io.BytesIO(body), **headers}
    answer = http.answer_signed(environ)
    assert answer.status == 400
    assert json.loads(answer.body)["__type"].endswith("Exception")


def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REKOGNITION_LOCAL_CREDENTIALS", " AKIDONE:se:cret , AKIDTWO:other,")
    assert environment.credentials("REKOGNITION_LOCAL_CREDENTIALS") == {"AKIDONE": "se:cret", "AKIDTWO": "other"}
    for wrong in ("hush", ":hush", "hush:"):
        monkeypatch.setenv("REKOGNITION_LOCAL_CREDENTIALS", f"AKIDONE:secret,{wrong}")
        with pytest.raises(ImproperlyConfigured, match="Item 2") as caught:
            environment.credentials("REKOGNITION_LOCAL_CREDENTIALS")
        assert "hush" not in str(caught.value)
