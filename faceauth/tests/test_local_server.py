"""`rekognition_local` as developers start it: options, slow clients, browsers, pictures in S3."""

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from django.core.management import CommandError, call_command
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from faceauth.local import command, faults, options, s3
from faceauth.local.errors import Code, Refused
from faceauth.local.faults import TokenBucket
from faceauth.tests.local import add_faces, call, collection_named, some_templates
from faceauth.tests.local_endpoints import KEY_ID, SECRET, client_for, over_http, post, serving, signed_headers
from faceauth.tests.pictures import collins, hopper

LIST = "RekognitionService.ListCollections"


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    yield
    options.configure(options.Options())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Without credentials, and without tables before it starts."""
    with serving(str(tmp_path_factory.mktemp("any")), "--accept-any-credentials", credentials=False) as url:
        yield url


def asked(url: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


# Start ----------------------------------------------------------------------------------------------------------------


def test_any_credentials_and_a_region_of_the_client(server: str) -> None:
    client = boto3.session.Session().client(
        "rekognition",
        region_name="ap-southeast-2",
        endpoint_url=server,
        aws_access_key_id="somebody",
        aws_secret_access_key="anything",
        aws_session_token="a session",
    )
    arn = client.create_collection(CollectionId="anybody")["CollectionArn"]
    assert arn == "arn:aws:rekognition:ap-southeast-2:000000000000:collection/anybody"
    assert asked(server, "POST", "/", b"{}", X_Amz_Target=LIST)[0] == 200


def test_another_host_name_is_refused_without_credentials(server: str) -> None:
    """A web page could give this machine a name of its own."""
    for host, status in (("localhost:1", 200), ("[::1]", 200), ("evil.example", 400), ("127.0.0.1.evil.example", 400)):
        assert asked(server, "POST", "/", b"{}", X_Amz_Target=LIST, Host=host)[0] == status, host


@pytest.mark.parametrize("bind", ["0.0.0.0:5005", "192.0.2.1:5005", "[::]:5005", "example.org:80", ":5005"])
def test_any_credentials_only_on_the_loopback_interface(bind: str) -> None:
    with pytest.raises(CommandError, match="loopback"):
        call_command("rekognition_local", "--accept-any-credentials", f"--bind={bind}")
    assert not command.is_loopback(bind)


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "127.8.9.10:80", "localhost:5005", "[::1]:5005", "unix:/run/x"])
def test_loopback_addresses(bind: str) -> None:
    assert command.is_loopback(bind)


def test_without_credentials_it_does_not_start(settings: Settings) -> None:
    settings.FACEAUTH = settings.FACEAUTH | {"LOCAL_SECRET_KEYS": {}}
    with pytest.raises(CommandError, match="REKOGNITION_LOCAL_CREDENTIALS"):
        call_command("rekognition_local")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--workers=0"], "at least 1"), (["--error-rate=2"], "share"), (["--error-rate=x"], "share")],
)
def test_arguments_that_cannot_work(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("rekognition_local", *arguments)


def test_the_endpoint_and_an_example_are_printed(settings: Settings) -> None:
    assert "AWS_ACCESS_KEY_ID=any" in command.welcome("http://127.0.0.1:1", True)
    settings.FACEAUTH = settings.FACEAUTH | {"LOCAL_SECRET_KEYS": {"AKIDONE": "hush"}}
    shown = command.welcome("http://127.0.0.1:1", False)
    assert "AKIDONE" in shown
    assert "hush" not in shown
    assert "aws --endpoint-url http://127.0.0.1:1 rekognition create-collection" in shown


def test_it_runs_on_its_own_without_the_site(tmp_path: Path) -> None:
    """As `python -m faceauth.local`; the data is there again after a restart."""
    environment = {"PATH": "/usr/bin:/bin", "REKOGNITION_LOCAL_HOME": str(tmp_path / "home")}
    face_ids: list[str] = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "faceauth.local", "--accept-any-credentials", "--bind=127.0.0.1:0"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found
            client = client_for(found[0])
            if not face_ids:
                client.create_collection(CollectionId="people")
            indexed = client.index_faces(CollectionId="people", Image={"Bytes": hopper()})
            face_ids.append(indexed["FaceRecords"][0]["Face"]["FaceId"])
        finally:
            process.terminate()
            assert process.wait(30) == 0
    assert face_ids[0] == face_ids[1]
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    assert (tmp_path / "home" / "encryption.key").stat().st_mode & 0o077 == 0


def test_health(server: str) -> None:
    assert asked(server, "GET", "/health")[::2] == (200, b'{"status": "ok"}')


# Browsers -------------------------------------------------------------------------------------------------------------


def test_scripts_of_pages_on_this_machine_may_call(server: str) -> None:
    for origin in ("http://localhost:3000", "http://127.0.0.1:8080"):
        status, headers, body = asked(
            server, "OPTIONS", "/", Origin=origin, Access_Control_Request_Headers="authorization,x-amz-target"
        )
        assert (status, body) == (204, b"")
        assert headers["access-control-allow-origin"] == origin
        assert "x-amz-target" in headers["access-control-allow-headers"].lower()
        assert "authorization" in headers["access-control-allow-headers"].lower()
        assert "POST" in headers["access-control-allow-methods"]
        answered = asked(server, "POST", "/", b"{}", Origin=origin, X_Amz_Target=LIST)[1]
        assert answered["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", ["https://example.org", "null", "http://localhost.example.org", "http://[", "*"])
def test_scripts_of_other_pages_may_not(server: str, origin: str) -> None:
    assert "access-control-allow-origin" not in asked(server, "OPTIONS", "/", Origin=origin)[1]


# Slow clients ---------------------------------------------------------------------------------------------------------


def test_many_slow_clients_do_not_stop_it(server: str) -> None:
    """Some send nothing, some half a head, some half a body: none takes a thread."""
    address = urlsplit(server)
    beginnings = (
        b"",
        b"POST / HTTP/1.1\r\nHost: loc",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{",
    )
    slow = []
    try:
        for number in range(150):
            connection = socket.create_connection((address.hostname, address.port or 80), 10)
            if number % 3 < 2 or number < 60:  # at most 32 bodies are read at a time
                connection.sendall(beginnings[number % 3])
            slow.append(connection)
        started = time.monotonic()
        assert asked(server, "GET", "/health")[0] == 200
        assert asked(server, "POST", "/", b"{}", X_Amz_Target=LIST)[0] == 200
        assert time.monotonic() - started < 5
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.slow
def test_a_head_that_comes_too_slowly_is_cut_off(server: str) -> None:
    address = urlsplit(server)
    with socket.create_connection((address.hostname, address.port or 80), 30) as connection:
        started = time.monotonic()
        connection.sendall(b"POST / HTTP/1.1\r\n")
        stop = threading.Event()

        def trickle() -> None:
            while not stop.wait(0.5):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

        sender = threading.Thread(target=trickle)
        sender.start()
        try:
            assert connection.recv(100) == b""
        finally:
            stop.set()
            sender.join()
        assert 8 < time.monotonic() - started < 20


def test_an_unsigned_request_cannot_hold_memory(tmp_path: Path) -> None:
    """Its body is not read, so 32 of them do not keep others from sending theirs."""
    with serving(str(tmp_path)) as url:
        address = urlsplit(url)
        waiting = []
        for _ in range(40):
            connection = socket.create_connection((address.hostname, address.port or 80), 10)
            connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14000000\r\n\r\n")
            waiting.append(connection)
        assert all(b"MissingAuthenticationToken" in connection.recv(1000) for connection in waiting)
        assert post(url, signed_headers(url, LIST, b"{}"), b"{}")[0] == 200


# Pictures in S3 -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "buckets" / "photos" / "people").mkdir(parents=True)
    (tmp_path / "buckets" / "photos" / "people" / "grace.jpg").write_bytes(hopper())
    (tmp_path / "secret.jpg").write_bytes(collins())
    (tmp_path / "buckets" / "photos" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    return tmp_path / "buckets"


def in_s3(name: str, bucket: str = "photos") -> dict[str, Any]:
    return {"S3Object": {"Bucket": bucket, "Name": name}}


def test_a_picture_in_a_folder_of_buckets(folder: Path, db: None) -> None:
    options.configure(options.Options(s3=str(folder)))
    collection_named()
    from_bytes = call("IndexFaces", CollectionId="people", Image={"Bytes": hopper()})
    from_folder = call("IndexFaces", CollectionId="people", Image=in_s3("people/grace.jpg"))
    assert from_folder["FaceRecords"][0]["Face"] == from_bytes["FaceRecords"][0]["Face"]
    found = call("SearchFacesByImage", CollectionId="people", Image=in_s3("people/grace.jpg"))
    assert len(found["FaceMatches"]) == 1


@pytest.mark.parametrize(
    ("name", "bucket"),
    [
        ("absent.jpg", "photos"),
        ("people", "photos"),
        ("people/grace.jpg", "absent"),
        ("../../secret.jpg", "photos"),
        ("link.jpg", "photos"),
        ("secret.jpg", ".."),
        ("secret.jpg", "photos/../.."),
    ],
)
def test_nothing_outside_of_the_bucket_is_read(name: str, bucket: str, folder: Path) -> None:
    options.configure(options.Options(s3=str(folder)))
    with pytest.raises(Refused, match="object metadata") as caught:
        s3.read_object({"Bucket": bucket, "Name": name})
    assert caught.value.code == Code.INVALID_S3_OBJECT


def test_an_object_of_more_than_15_megabytes_is_too_large(folder: Path) -> None:
    options.configure(options.Options(s3=str(folder)))
    (folder / "photos" / "large").write_bytes(bytes(15 * 1024 * 1024 + 1))
    with pytest.raises(Refused) as caught:
        s3.read_object({"Bucket": "photos", "Name": "large"})
    assert caught.value.code == Code.IMAGE_TOO_LARGE
    (folder / "photos" / "large").write_bytes(bytes(15 * 1024 * 1024))
    assert len(s3.read_object({"Bucket": "photos", "Name": "large"})) == 15 * 1024 * 1024


def test_a_picture_at_an_s3_endpoint(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        bucket = boto3.session.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1")
        bucket.create_bucket(Bucket="photos")
        bucket.put_object(Bucket="photos", Key="grace.jpg", Body=hopper())
        options.configure(options.Options(s3=endpoint))
        assert len(call("DetectFaces", Image=in_s3("grace.jpg"))["FaceDetails"]) == 1
        assert call("DetectFaces", Image=in_s3("absent.jpg"))["__type"] == "InvalidS3ObjectException"
        assert call("DetectFaces", Image={"S3Object": {"Bucket": "photos"}})["__type"] == "InvalidParameterException"
    finally:
        moto.stop()
    s3.client.cache_clear()


# For tests of retries and polling -------------------------------------------------------------------------------------


def test_strict_attributes_refuse_what_is_not_measured(db: None) -> None:
    options.configure(options.Options(strict_attributes=True))
    answer = call("DetectFaces", Image={"Bytes": hopper()}, Attributes=["DEFAULT", "EMOTIONS"])
    assert answer["__type"] == "InvalidParameterException"
    assert "EMOTIONS" in answer["Message"]
    assert call("DetectFaces", Image={"Bytes": hopper()}, Attributes=["DEFAULT"])["status"] == 200


def test_a_token_bucket_allows_its_rate() -> None:
    bucket = TokenBucket()
    assert sum(bucket.take(5, 100.0) for _ in range(20)) == 5
    assert sum(bucket.take(5, 100.4) for _ in range(20)) == 2
    assert sum(bucket.take(5, 200.0) for _ in range(20)) == 5
    slow = TokenBucket()
    assert [slow.take(0.5, now) for now in (0.0, 1.0, 2.0, 3.0, 4.0)] == [True, False, True, False, True]


def test_beyond_the_rate_requests_are_throttled(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "bucket", TokenBucket())
    options.configure(options.Options(max_rate=3))
    answers = [call("ListCollections") for _ in range(10)]
    assert [answer["status"] for answer in answers[:3]] == [200] * 3
    assert answers[-1]["__type"] == "ThrottlingException"
    assert answers[-1]["Message"] == "Rate exceeded"


def test_a_share_of_requests_fails_with_errors_worth_a_retry(db: None) -> None:
    options.configure(options.Options(error_rate=0.5))
    codes = [call("ListCollections").get("__type", "ok") for _ in range(200)]
    assert 50 < codes.count("ok") < 150
    assert set(codes) == {
        "ok",
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "InternalServerError",
    }


def test_boto3_retries_them(tmp_path: Path) -> None:
    with serving(str(tmp_path), "--error-rate=0.4") as url:
        client = boto3.session.Session().client(
            "rekognition",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            config=Config(retries={"mode": "standard", "total_max_attempts": 10}),
        )
        attempts = [client.list_collections()["ResponseMetadata"]["RetryAttempts"] for _ in range(8)]
        assert sum(attempts) > 0
        without = over_http(url).client
        with pytest.raises(ClientError):  # without retries one of 50 fails
            _ = [without.list_collections() for _ in range(50)]


def test_a_user_is_updating_for_a_while(db: None) -> None:
    collection_named()
    (face_id,) = add_faces(some_templates(1))
    user = {"CollectionId": "people", "UserId": "grace"}
    call("CreateUser", **user)
    options.configure(options.Options(updating_seconds=60))
    assert call("ListUsers", CollectionId="people")["Users"][0]["UserStatus"] == "CREATED"
    assert call("AssociateFaces", **user, FaceIds=[face_id])["UserStatus"] == "UPDATING"
    assert call("ListUsers", CollectionId="people")["Users"][0]["UserStatus"] == "UPDATING"
    options.configure(options.Options(updating_seconds=0.001))
    assert call("ListUsers", CollectionId="people")["Users"][0]["UserStatus"] == "ACTIVE"


# The fixture for other projects ---------------------------------------------------------------------------------------

pytest_plugins = ["pytester"]

SOMEBODYS_TESTS = """
import boto3

def test_one(rekognition_local):
    client = boto3.client("rekognition", **rekognition_local.settings)
    client.create_collection(CollectionId="people")
    assert client.list_collections()["CollectionIds"] == ["people"]

def test_two(rekognition_local):
    assert rekognition_local.call("ListCollections")["CollectionIds"] == []
    assert rekognition_local.settings["endpoint_url"].startswith("http://127.0.0.1:")
"""


@pytest.mark.slow
def test_the_fixture_gives_every_test_an_empty_service(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(settings.BASE_DIR))  # as if it were installed
    pytester.makepyfile(SOMEBODYS_TESTS)
    plugins = ["-p", "no:cacheprovider", "-p", "no:django", "-p", "faceauth.local.pytest_plugin"]
    done = pytester.runpytest_subprocess(*plugins)
    done.assert_outcomes(passed=2)


def test_the_plugin_loads_nothing_of_django() -> None:
    """Every test run of a project that installs this loads it."""
    code = "import sys, faceauth.local.pytest_plugin; sys.exit(bool({'django', 'cv2', 'boto3'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0  # noqa: S603


def test_collections_have_names_of_their_own(server: str) -> None:
    name = f"own-{uuid4()}"
    body = json.dumps({"CollectionId": name}).encode()
    assert asked(server, "POST", "/", body, X_Amz_Target="RekognitionService.CreateCollection")[0] == 200
