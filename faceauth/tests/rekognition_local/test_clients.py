"""AWS's own clients, as they come, speak with `manage.py rekognition_local`."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import settings

from faceauth.tests.local_endpoints import KEY_ID, SECRET, serving
from faceauth.tests.pictures import another, collins, hopper, landscape

AWS = os.environ.get("SECRETLY_AWS_CLI") or shutil.which("aws")
NODE = shutil.which("node")
MODULES = Path(os.environ.get("SECRETLY_NODE_MODULES", settings.BASE_DIR / "node_modules"))

GO = shutil.which("go")
GO_PACKAGES = Path("/usr/share/gocode")

needs_go = pytest.mark.skipif(
    GO is None or not (GO_PACKAGES / "src/github.com/aws/aws-sdk-go-v2/service/rekognition").is_dir(),
    reason="Go and AWS's SDK for it are not here: apt-get install golang-go golang-github-aws-aws-sdk-go-v2-dev.",
)
needs_cli = pytest.mark.skipif(AWS is None, reason="The AWS CLI is not here: pip install awscli, or SECRETLY_AWS_CLI.")
needs_sdk = pytest.mark.skipif(
    NODE is None or not (MODULES / "@aws-sdk" / "client-rekognition").is_dir(),
    reason=f"The AWS SDK for JavaScript is not in {MODULES}: npm ci, with Node.",
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(str(tmp_path_factory.mktemp("clients"))) as url:
        yield url


@pytest.fixture
def environment() -> dict[str, str]:
    """What a client finds around it: the credentials, and nobody's own settings."""
    credentials = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "eu-west-1"}
    nobodys = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_PAGER": ""}
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **credentials, **nobodys}


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portraits")
    for name, data in (("grace.jpg", hopper()), ("again.jpg", another(hopper())), ("eileen.png", collins())):
        (folder / name).write_bytes(data)
    return folder


def run(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)  # noqa: S603


@needs_cli
def test_the_command_line(server: str, environment: dict[str, str], portraits: Path) -> None:
    def aws(*words: str) -> Any:
        done = run([str(AWS), "--endpoint-url", server, "--output", "json", "rekognition", *words], environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "{}")

    in_people = ("--collection-id", "people")
    assert aws("create-collection", *in_people)["StatusCode"] == 200
    grace = ("--image-bytes", f"fileb://{portraits}/grace.jpg", "--external-image-id", "grace")
    face = aws("index-faces", *in_people, *grace)["FaceRecords"][0]["Face"]
    found = aws("search-faces-by-image", *in_people, "--image-bytes", f"fileb://{portraits}/again.jpg")
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [face["FaceId"]]
    stranger = aws("search-faces-by-image", *in_people, "--image-bytes", f"fileb://{portraits}/eileen.png")
    assert stranger["FaceMatches"] == []
    assert [it["ExternalImageId"] for it in aws("list-faces", *in_people)["Faces"]] == ["grace"]
    aws("create-user", *in_people, "--user-id", "grace")
    assert aws("list-users", *in_people)["Users"] == [{"UserId": "grace", "UserStatus": "CREATED"}]
    assert aws("describe-collection", *in_people)["FaceCount"] == 1
    assert aws("delete-faces", *in_people, "--face-ids", face["FaceId"])["DeletedFaces"] == [face["FaceId"]]
    aws("delete-collection", *in_people)

    command = [str(AWS), "--endpoint-url", server, "rekognition", "list-collections"]
    refused = run(command, environment | {"AWS_SECRET_ACCESS_KEY": "another"})
    assert refused.returncode != 0
    assert "InvalidSignatureException" in refused.stderr


def test_the_calls_of_a_collection_scenario_in_python(server: str, environment: dict[str, str]) -> None:
    """Every call and member that AWS's Python example of collections uses, in its order."""
    client = boto3.session.Session(
        aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, region_name="us-east-1"
    ).client("rekognition", endpoint_url=server)
    made = client.create_collection(CollectionId="scenario")
    assert made["CollectionArn"].endswith("collection/scenario")
    described = client.describe_collection(CollectionId="scenario")
    assert (described["FaceCount"], described["CollectionARN"]) == (0, made["CollectionArn"])
    for name, data in (("grace", hopper()), ("grace-2", another(hopper())), ("eileen", collins())):
        indexed = client.index_faces(
            CollectionId="scenario",
            Image={"Bytes": data},
            ExternalImageId=name,
            MaxFaces=2,
            DetectionAttributes=["ALL"],
        )
        (record,) = indexed["FaceRecords"]
        assert record["Face"].keys() >= {"BoundingBox", "Confidence", "FaceId", "ImageId", "ExternalImageId"}
        assert record["FaceDetail"].keys() >= {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
        assert indexed["UnindexedFaces"] == []
    faces = client.list_faces(CollectionId="scenario", MaxResults=10)["Faces"]
    assert len(faces) == 3
    by_picture = client.search_faces_by_image(
        CollectionId="scenario", Image={"Bytes": hopper()}, FaceMatchThreshold=80, MaxFaces=10
    )
    assert {match["Face"]["ExternalImageId"] for match in by_picture["FaceMatches"]} == {"grace", "grace-2"}
    by_face = client.search_faces(
        CollectionId="scenario", FaceId=faces[0]["FaceId"], FaceMatchThreshold=80, MaxFaces=10
    )
    assert [match["Face"]["ExternalImageId"] for match in by_face["FaceMatches"]] == ["grace-2"]
    deleted = client.delete_faces(CollectionId="scenario", FaceIds=[face["FaceId"] for face in faces])
    assert len(deleted["DeletedFaces"]) == 3
    client.delete_collection(CollectionId="scenario")


ASYNCHRONOUS = """
import asyncio, pathlib, sys
import aioboto3

async def scenario(endpoint, folder):
    image = lambda name: {"Bytes": (pathlib.Path(folder) / name).read_bytes()}
    async with aioboto3.Session().client("rekognition", endpoint_url=endpoint) as client:
        await client.create_collection(CollectionId="asynchronous")
        await client.index_faces(CollectionId="asynchronous", Image=image("grace.jpg"), ExternalImageId="grace")
        found = await client.search_faces_by_image(CollectionId="asynchronous", Image=image("again.jpg"))
        await client.delete_collection(CollectionId="asynchronous")
        print([match["Face"]["ExternalImageId"] for match in found["FaceMatches"]])

asyncio.run(scenario(*sys.argv[1:]))
"""


def test_aioboto3(server: str, environment: dict[str, str], portraits: Path) -> None:
    """It wants a botocore of its own, so it stands beside the AWS CLI, not in the site's environment."""
    python = Path(AWS or "aws").with_name("python")
    if not python.is_file() or run([str(python), "-c", "import aioboto3"], environment).returncode:
        pytest.skip("aioboto3 is not beside the AWS CLI: pip install aioboto3 awscli, with SECRETLY_AWS_CLI.")
    done = run([str(python), "-c", ASYNCHRONOUS, server, str(portraits)], environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['grace']"


@needs_go
def test_the_sdk_for_go(server: str, environment: dict[str, str], portraits: Path, tmp_path: Path) -> None:
    built = environment | {"GO111MODULE": "off", "GOPATH": str(GO_PACKAGES), "GOCACHE": str(tmp_path / "cache")}
    quickly = ["-gcflags=github.com/aws/...=-N -l", "-ldflags=-s"]  # compiled without what makes programs fast
    done = run([str(GO), "run", *quickly, str(Path(__file__).with_name("replay.go")), server, str(portraits)], built)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "arn": "arn:aws:rekognition:eu-west-1:000000000000:collection/go",
        "count": 2,
        "listed": ["grace.jpg", "eileen.png"],
        "matches": ["grace.jpg"],
        "others": 0,
        "compared": 1,
        "detected": 1,
        "not found": True,
        "exists": True,
        "deleted": 2,
    }


SCRIPT = """
const path = require("node:path");
const fs = require("node:fs");
const [modules, endpoint, folder] = process.argv.slice(2);
const sdk = require(path.join(modules, "@aws-sdk/client-rekognition"));

(async () => {
  const client = new sdk.RekognitionClient({ endpoint, maxAttempts: 1 });
  const CollectionId = "javascript";
  const picture = (name) => ({ Bytes: fs.readFileSync(path.join(folder, name)) });
  await client.send(new sdk.CreateCollectionCommand({ CollectionId, Tags: { site: "test" } }));
  const indexed = await client.send(
    new sdk.IndexFacesCommand({ CollectionId, Image: picture("grace.jpg"), ExternalImageId: "grace", MaxFaces: 1 }),
  );
  const faceId = indexed.FaceRecords[0].Face.FaceId;
  const found = await client.send(new sdk.SearchFacesByImageCommand({ CollectionId, Image: picture("again.jpg") }));
  await client.send(new sdk.CreateUserCommand({ CollectionId, UserId: "grace" }));
  const associated = await client.send(
    new sdk.AssociateFacesCommand({ CollectionId, UserId: "grace", FaceIds: [faceId] }),
  );
  const users = await client.send(new sdk.SearchUsersByImageCommand({ CollectionId, Image: picture("again.jpg") }));
  const described = await client.send(new sdk.DescribeCollectionCommand({ CollectionId }));
  const errors = [];
  for (const command of [
    new sdk.DescribeCollectionCommand({ CollectionId: "nowhere" }),
    new sdk.CreateCollectionCommand({ CollectionId }),
    new sdk.DetectFacesCommand({ Image: { Bytes: new Uint8Array(5242881) } }),
  ]) {
    await client.send(command).catch((error) => errors.push([error.name, error.$metadata.httpStatusCode]));
  }
  await client.send(new sdk.DeleteCollectionCommand({ CollectionId }));
  console.log(JSON.stringify({
    same: found.FaceMatches.length === 1 && found.FaceMatches[0].Face.FaceId === faceId,
    status: associated.UserStatus,
    user: users.UserMatches[0].User.UserId,
    year: described.CreationTimestamp.getUTCFullYear(),
    errors,
  }));
})();
"""


@needs_sdk
def test_the_sdk_for_javascript(server: str, environment: dict[str, str], portraits: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.cjs"
    script.write_text(SCRIPT)
    command = [str(NODE), str(script), str(MODULES), server, str(portraits)]
    done = run(command, environment | {"AWS_REGION": "eu-west-1"})
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer.pop("year") >= 2025
    assert answer == {
        "same": True,
        "status": "ACTIVE",
        "user": "grace",
        "errors": [
            ["ResourceNotFoundException", 400],
            ["ResourceAlreadyExistsException", 400],
            ["ValidationException", 400],
        ],
    }


ORIGINAL = """
const path = require("node:path");
const fs = require("node:fs");
const { randomUUID } = require("node:crypto");
const [modules, endpoint, folder] = process.argv.slice(2);
const { Rekognition } = require(path.join(modules, "@aws-sdk/client-rekognition"));

const CollectionId = "original";
const rekognition = new Rekognition({ endpoint, apiVersion: "2016-06-27" });
const picture = (name) => ({ Bytes: fs.readFileSync(path.join(folder, name)) });

function enter(name, done) {
  const params = { CollectionId, Image: picture(name), FaceMatchThreshold: 90, MaxFaces: 1 };
  rekognition.searchFacesByImage(params, (error, data) => {
    if (error || !data) return done("no face found");
    if (data.FaceMatches.length) return done(data.FaceMatches[0].Face.ExternalImageId);
    const ExternalImageId = randomUUID();
    const face = { CollectionId, DetectionAttributes: [], ExternalImageId, Image: picture(name) };
    rekognition.indexFaces(face, (failed) => done(failed ? String(failed) : ExternalImageId));
  });
}

const entered = (name) => new Promise((resolve) => enter(name, resolve));

(async () => {
  await rekognition.createCollection({ CollectionId });
  const answers = [];
  for (const name of ["grace.jpg", "eileen.png", "again.jpg", "nobody.jpg"]) answers.push(await entered(name));
  await rekognition.deleteCollection({ CollectionId });
  console.log(JSON.stringify(answers));
})();
"""


@needs_sdk
def test_what_the_original_app_in_node_does(
    server: str, environment: dict[str, str], portraits: Path, tmp_path: Path
) -> None:
    """Its search and its enrolment, with its parameters and callbacks: a face is found, or becomes a new user."""
    script = tmp_path / "original.cjs"
    script.write_text(ORIGINAL)
    (portraits / "nobody.jpg").write_bytes(landscape())
    command = [str(NODE), str(script), str(MODULES), server, str(portraits)]
    done = run(command, environment | {"AWS_REGION": "eu-west-1"})
    assert done.returncode == 0, done.stderr
    grace, eileen, again, nobody = json.loads(done.stdout)
    assert (again, nobody) == (grace, "no face found")
    assert len({grace, eileen}) == 2
