"""The switches of `rekognition_local`, and the fixture for other projects."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from faceauth.local import faults, options, s3
from faceauth.local.errors import Code, Refused
from faceauth.local.faults import TokenBucket
from faceauth.tests.local import add_faces, call, collection_named, some_templates
from faceauth.tests.local_endpoints import KEY_ID, SECRET, over_http, serving
from faceauth.tests.pictures import collins, hopper


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    yield
    options.configure(options.Options())


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
