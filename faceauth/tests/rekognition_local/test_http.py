"""The HTTP service: signatures, bodies and limits."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest import mock
from urllib.parse import urlsplit

import pytest
from botocore import auth
from django.core.exceptions import ImproperlyConfigured
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from faceauth.local import http, signature
from faceauth.local.errors import Refused
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


def test_a_session_token_must_be_signed(server: str) -> None:
    headers = signed_headers(server, LIST, b"{}", token="a session")
    assert headers["X-Amz-Security-Token"] == "a session"
    assert post(server, headers, b"{}")[0] == 200
    for changed in (headers | {"X-Amz-Security-Token": "another"}, signed(server, X_Amz_Security_Token="added")):
        assert error_of(post(server, changed, b"{}")) == (400, "InvalidSignatureException")


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


@pytest.mark.parametrize("more", [{}, {"Content-Length": "-1"}, {"Content-Length": "1e3"}, {"Content-Length": "\xb2"}])
def test_a_content_length_is_required(server: str, more: dict[str, str]) -> None:
    answer = raw(server, head(**signed(server), **more, Host=urlsplit(server).netloc) + b"{}")
    assert b"400 " in answer
    assert b"SerializationException" in answer


def test_a_body_in_chunks_is_refused(server: str) -> None:
    headers = signed(server) | {"Content-Length": "2", "Transfer-Encoding": "chunked"}
    answer = raw(server, head(**headers, Host=urlsplit(server).netloc) + b"2\r\n{}\r\n0\r\n\r\n")
    assert b"SerializationException" in answer


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/2\r\n\r\n",
        b"post / HTTP/1.1\r\n\r\n",
        b"POST  / HTTP/1.1\r\n\r\n",
        b"POST http://x/ HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\ny: z\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: \0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000,
        b"\x16\x03\x01" + bytes(300) + b"\r\n\r\n",
    ],
    ids=lambda request: request[:30].decode("latin-1"),
)
def test_malformed_http_is_refused(server: str, request_: bytes) -> None:
    answer = raw(server, request_)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in answer
    assert b"x-amzn-ErrorType" not in answer  # refused as HTTP, before any signature


def test_a_body_that_ends_too_soon_gets_no_answer(server: str) -> None:
    headers = signed(server, b"{}  ") | {"Content-Length": "4", "Host": urlsplit(server).netloc}
    assert raw(server, head(**headers) + b"{}") == b""


def test_a_client_may_wait_for_100_continue(server: str) -> None:
    headers = signed(server) | {"Content-Length": "2", "Expect": "100-continue", "Host": urlsplit(server).netloc}
    answer = raw(server, head(**headers) + b"{}")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


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


# Anything at all ------------------------------------------------------------------------------------------------------

AMZ = ("authorization", "x-amz-date", "x-amz-target", "x-amz-content-sha256")
NAMES = st.sampled_from([*AMZ, "host", "content-length"])
SCOPE = f"{KEY_ID}/20260101/x/rekognition/aws4_request"
WRONG_SIGNATURE = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature={'0' * 64}"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headers=st.dictionaries(NAMES, st.text(st.characters(max_codepoint=255), max_size=300)), body=st.binary())
@example(headers={"authorization": WRONG_SIGNATURE, "x-amz-date": "20260101T000000Z"}, body=b"")
def test_unsigned_headers_of_any_kind_are_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        http.check_head(http.Request("POST", "/", headers, True, body))
    assert caught.value.code.status == 400


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_malformed(data: bytes) -> None:
    try:
        request = http.parse_head(data + b"\r\n\r\n")
    except http.Malformed:
        return
    assert request.method.isupper()


def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REKOGNITION_LOCAL_CREDENTIALS", " AKIDONE:se:cret , AKIDTWO:other,")
    assert environment.credentials("REKOGNITION_LOCAL_CREDENTIALS") == {"AKIDONE": "se:cret", "AKIDTWO": "other"}
    for wrong in ("hush", ":hush", "hush:"):
        monkeypatch.setenv("REKOGNITION_LOCAL_CREDENTIALS", f"AKIDONE:secret,{wrong}")
        with pytest.raises(ImproperlyConfigured, match="Item 2") as caught:
            environment.credentials("REKOGNITION_LOCAL_CREDENTIALS")
        assert "hush" not in str(caught.value)
