"""The policies and the prices of docs/deploy.md are those of the calls that are made."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pytest_django import Settings

from faceauth.enrolment.enrol import enrol
from faceauth.recognition.search import recognise
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from secretly.tests.test_many_machines import BUCKET, s3

ROOT: Path = settings.BASE_DIR
FOLDER = ROOT / "docs" / "deploy"
DOCUMENT = (ROOT / "docs" / "deploy.md").read_text()


# What AWS allows ------------------------------------------------------------------------------------------------------


def allowed(name: str) -> set[str]:
    policy = json.loads((FOLDER / name).read_text())
    return {
        action
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def operations_in_the_code() -> set[str]:
    """What collection.py calls on its client, in AWS's words."""
    methods = set()
    for node in ast.walk(ast.parse((ROOT / "faceauth/rekognition/collection.py").read_text())):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "client()":
            methods.add(node.attr)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "client().get_paginator":
            methods.add(ast.literal_eval(node.args[0]))
    methods.remove("get_paginator")
    names = boto3.session.Session().client("rekognition", region_name="us-east-1").meta.method_to_api_mapping
    return {names[method] for method in methods}


def test_the_policies_allow_exactly_what_is_called() -> None:
    site, operator = allowed("iam-site.json"), allowed("iam-operator.json")
    assert not site & operator
    rekognition = {action for action in site | operator if action.startswith("rekognition:")}
    assert rekognition == {f"rekognition:{name}" for name in operations_in_the_code()}
    assert operator == {f"rekognition:{name}" for name in ("CreateCollection", "DeleteCollection", "ListCollections")}
    assert not [action for action in site | operator if "*" in action]


def test_only_operations_without_a_resource_are_allowed_on_all() -> None:
    """By AWS's Service Authorization Reference CreateCollection and ListCollections have no resource."""
    for name in ("iam-site.json", "iam-operator.json"):
        for statement in json.loads((FOLDER / name).read_text())["Statement"]:
            assert (statement["Resource"] == "*") == (statement["Sid"] == "MakeAndListCollections")


# Which permission an operation of S3 needs, by its page in the API reference.
NEEDED = {
    "HeadObject": {"s3:GetObject", "s3:ListBucket"},  # the second, so that a missing object is 404 and not 403
    "GetObject": {"s3:GetObject"},
    "PutObject": {"s3:PutObject"},
    "DeleteObject": {"s3:DeleteObject"},
    "CreateMultipartUpload": {"s3:PutObject"},
    "UploadPart": {"s3:PutObject"},
    "CompleteMultipartUpload": {"s3:PutObject"},
    "AbortMultipartUpload": {"s3:AbortMultipartUpload"},
}


def test_the_policy_allows_what_the_storage_calls(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with s3() as address:
        options: dict[str, Any] = {"bucket_name": BUCKET, "region_name": "eu-central-1", "endpoint_url": address}
        options |= {"default_acl": None, "file_overwrite": False}
        settings.STORAGES = settings.STORAGES | {
            "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        }
        seen: list[str] = []
        acl: list[Any] = []

        def note(params: dict[str, Any], model: Any, **kwargs: Any) -> None:
            seen.append(model.name)
            acl.extend(params["headers"].get(name) for name in ("x-amz-acl",) if name in params["headers"])

        default_storage.connection.meta.client.meta.events.register("before-call.s3", note)  # type: ignore[attr-defined]
        for size in (10, 20 * 1024 * 1024):  # the largest attachment goes in parts
            name = default_storage.save("attachments/x", ContentFile(bytes(size)))
            with default_storage.open(name) as file:
                assert len(file.read()) == size
            default_storage.delete(name)
        default_storage.exists("nothing")
    called = set(seen) | {"AbortMultipartUpload"}  # where an upload in parts breaks off
    assert {"UploadPart", "HeadObject", "PutObject"} <= called <= set(NEEDED)
    needed = set().union(*(NEEDED[name] for name in called))
    assert needed == {action for action in allowed("iam-site.json") if action.startswith("s3:")}
    assert acl == []  # which buckets of today refuse


# What it costs --------------------------------------------------------------------------------------------------------

# The operations of which AWS's price list says that each call is one image.
IMAGES = {"AssociateFaces", "CompareFaces", "DisassociateFaces", "IndexFaces"}
IMAGES |= {"SearchFaces", "SearchFacesByImage", "SearchUsers", "SearchUsersByImage"}


def row(what: str) -> tuple[int, int]:
    """Calls, and how many of them are billed as images, from the document's table."""
    found = re.search(rf"^\| {what} \| (\d+) \| (\d+) \|", DOCUMENT, re.MULTILINE)
    assert found, what
    return int(found[1]), int(found[2])


def test_the_documented_calls_of_a_sign_in_are_made(collection: Collection, calls: list[str]) -> None:
    def counted() -> tuple[int, int]:
        them = list(calls)
        calls.clear()
        return len(them), sum(name in IMAGES for name in them)

    enrol(read(pictures.hopper()))
    calls.clear()
    recognise(read(pictures.another(pictures.hopper())))
    assert counted() == row("somebody is recognised")
    recognise(read(pictures.collins()))
    assert counted() == row("a stranger comes")
    enrol(read(pictures.collins()))
    assert counted() == row("a stranger who consents is enrolled")
    recognise(read(pictures.landscape()))
    assert counted() == row("a photo without a usable face")
    newcomer = row("a stranger comes")[1] + row("a stranger who consents is enrolled")[1]
    assert f"**{row('somebody is recognised')[1]}.00 USD** for a thousand sign-ins" in DOCUMENT
    assert f"**{newcomer}.00 USD** for a thousand new people" in DOCUMENT
