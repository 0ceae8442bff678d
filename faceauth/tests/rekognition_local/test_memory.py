"""`rekognition_local` stays under 600 MB whatever is sent to it: a request ends, and not the service."""

import base64
import os
import sys
from collections.abc import Iterator
from functools import partial

import pytest
import urllib3
from PIL import Image, ImageDraw

from faceauth.tests.local_endpoints import client_for, started
from faceauth.tests.pictures import hopper
from privatekit.tests.bombs import WORST
from privatekit.tests.pictures import encoded
from privatekit.tests.processes import MOST, at_once, children_of, status_of

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells.")]

OPERATIONS = ("DetectFaces", "IndexFaces", "SearchFacesByImage")
MADE_OF = ("a JPEG of many pictures", "a PNG of 16 bits that fits", "a moving PNG")
BIG = 15_000_000


def dim() -> bytes:
    """As large as fits into the memory of pictures, and so dim that every way to find a face is tried."""
    picture = Image.new("RGB", (5200, 4400), (9, 9, 9))
    ImageDraw.Draw(picture).rectangle((0, 0, 900, 900), (40, 30, 20))
    return encoded(picture, quality=80)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    home = tmp_path_factory.mktemp("bombs")
    (home / "s3" / "bucket").mkdir(parents=True)
    arguments = ("--accept-any-credentials", f"--s3={home / 's3'}")
    with started(str(home), *arguments, credentials=False) as (url, master):
        client_for(url).create_collection(CollectionId="people")
        [worker] = children_of(master)
        (home / "s3" / "bucket" / "large").write_bytes(hopper() + bytes(BIG))
        yield url, worker
        assert children_of(master) == [worker]  # it was never replaced
        assert "Traceback" not in (home / "server.log").read_text()


def sent(url: str, operation: str, body: bytes) -> int:
    headers = {"X-Amz-Target": f"RekognitionService.{operation}"}
    return urllib3.PoolManager(retries=False, timeout=60).request("POST", url, headers=headers, body=body).status


def asking(operation: str, image: bytes) -> bytes:
    if operation == "CompareFaces":
        return b'{"SourceImage":%b,"TargetImage":%b}' % (image, image)
    people = b"" if operation == "DetectFaces" else b'"CollectionId":"people",'
    return b'{%b"Image":%b}' % (people, image)


def test_the_worst_pictures_several_at_once(server: tuple[str, int]) -> None:
    url, worker = server
    makers = {name: WORST[name] for name in MADE_OF}
    most: dict[str, int] = {}
    for name, make in (makers | {"a dim JPEG": dim, "nothing": bytes, "an object in S3": bytes}).items():
        image = b'{"Bytes":"%b"}' % base64.b64encode(make())
        if name == "an object in S3":
            image = b'{"S3Object":{"Bucket":"bucket","Name":"large"}}'
        answers, most[name] = at_once(worker, [partial(sent, url, one, asking(one, image)) for one in OPERATIONS])
        assert {*answers} <= {200, 400}, (name, answers)
        if os.environ.get("SHOW"):
            print(f"{name:40} the worker {most[name] // 1000} MB {answers}", flush=True)
    assert max(most.values()) < MOST, most
    assert status_of(worker, "VmRSS") < MOST / 2  # it gives back what it took
    assert client_for(url).detect_faces(Image={"Bytes": hopper()})["FaceDetails"]


BODIES = {
    "lists": b"[" + b"[]," * (BIG // 3) + b"0]",
    "objects": b"[" + b'{"":0},' * (BIG // 7) + b"0]",
    "a wide word": b'{"CollectionId":"' + b"a" * BIG + "\U0001f600".encode() + b'"}',
    "two pictures": asking("CompareFaces", b'{"Bytes":"' + b"A" * (BIG // 2 - 2) + b'"}'),
    "a number": b"[" + b"1" * BIG + b"]",
}


def test_large_bodies_several_at_once(server: tuple[str, int]) -> None:
    url, worker = server
    most: dict[str, int] = {}
    for name, body in BODIES.items():
        answers, most[name] = at_once(worker, [partial(sent, url, "CompareFaces", body)] * 4)
        assert {*answers} == {400}, (name, answers)
        if os.environ.get("SHOW"):
            print(f"{name:40} the worker {most[name] // 1000} MB {answers}", flush=True)
    assert max(most.values()) < MOST, most
