"""What docs/deploy.md and the files beside it say is true, as far as it can be tried here."""

import ast
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import get_commands, load_command_class
from pytest_django import Settings

from faceauth.people import recognise, remember
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures, postgres
from faceauth.tests.conftest import read
from secretly.tests.machines import Machine, Visitor, free_port, running, wait_until, words_on
from secretly.tests.test_docs import documented
from secretly.tests.test_many_machines import BUCKET, s3

ROOT: Path = settings.BASE_DIR
FOLDER = ROOT / "docs" / "deploy"
DOCUMENT = (ROOT / "docs" / "deploy.md").read_text()

UNITS = sorted(path.name for path in [*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")])


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


def test_the_policies_allow_what_is_called_and_nothing_else() -> None:
    site, operator = allowed("iam-site.json"), allowed("iam-operator.json")
    assert not site & operator
    rekognition = {action for action in site | operator if action.startswith("rekognition:")}
    assert rekognition == {f"rekognition:{name}" for name in operations_in_the_code()}
    assert operator == {f"rekognition:{name}" for name in ("CreateCollection", "DeleteCollection", "ListCollections")}
    assert not [action for action in site | operator if "*" in action]


def test_only_what_knows_no_resource_is_allowed_on_all() -> None:
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


def test_the_policy_allows_what_the_storage_does(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
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
    """Calls, and of these images, as the document's table has them."""
    found = re.search(rf"^\| {what} \| (\d+) \| (\d+) \|", DOCUMENT, re.MULTILINE)
    assert found, what
    return int(found[1]), int(found[2])


def test_the_calls_of_a_sign_in_are_those_that_the_document_counts(collection: Collection, calls: list[str]) -> None:
    def counted() -> tuple[int, int]:
        them = list(calls)
        calls.clear()
        return len(them), sum(name in IMAGES for name in them)

    remember(read(pictures.hopper()))
    calls.clear()
    recognise(read(pictures.another(pictures.hopper())))
    assert counted() == row("somebody is recognised")
    recognise(read(pictures.collins()))
    assert counted() == row("a stranger comes")
    remember(read(pictures.collins()))
    assert counted() == row("who said yes is remembered")
    recognise(read(pictures.landscape()))
    assert counted() == row("a photo without a usable face")
    newcomer = row("a stranger comes")[1] + row("who said yes is remembered")[1]
    assert f"**{row('somebody is recognised')[1]}.00 USD** for a thousand sign-ins" in DOCUMENT
    assert f"**{newcomer}.00 USD** for a thousand new people" in DOCUMENT


# Units and the proxy --------------------------------------------------------------------------------------------------


def test_the_environment_has_documented_names_alone() -> None:
    names = set(re.findall(r"^#?([A-Z_]+)=", (FOLDER / "secretly.env").read_text(), re.MULTILINE))
    assert names - documented() <= {"SECRETLY_TRUSTED_PROXIES"}


@pytest.mark.parametrize("name", UNITS)
def test_units_are_understood(name: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here, so no unit was looked at.")
    for unit in UNITS:  # a timer is looked at together with its service; what they start is not installed here
        text = (FOLDER / unit).read_text()
        (tmp_path / unit).write_text(re.sub(r"/opt/secretly\S+", "/bin/true", text))
    done = subprocess.run([program, "verify", "--man=no", tmp_path / name], capture_output=True, text=True)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")


def test_what_units_start_is_there() -> None:
    for name in UNITS:
        for path, rest in re.findall(r"^ExecStart\w*=/opt/secretly/(\S+)(.*)$", (FOLDER / name).read_text(), re.M):
            assert path.startswith(".venv/bin/") or os.access(ROOT / path, os.X_OK)
            if rest.startswith(" manage.py"):
                name, *arguments = rest.split()[1:]
                command = load_command_class(get_commands()[name], name)
                command.create_parser("manage.py", name).parse_args(arguments)  # it ends the program where it cannot


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here, so no certificate could be made.")
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=secretly.example"]
    made += ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run(made, check=True, capture_output=True)  # noqa: S603
    return tmp_path


def nginx_configuration(folder: Path, machine: Machine, port: int, plain: int) -> str:
    """The document's file with this test's ports and folders, inside a whole configuration."""
    text = (FOLDER / "nginx.conf").read_text()
    for here, there in (
        ("/etc/letsencrypt/live/secretly.example/fullchain.pem", f"{folder}/certificate.pem"),
        ("/etc/letsencrypt/live/secretly.example/privkey.pem", f"{folder}/key.pem"),
        ("/var/log/nginx/secretly.log", f"{folder}/access.log"),
        ("127.0.0.1:8000", f"127.0.0.1:{machine.port}"),
        ("/dev/shm/secretly-bodies", f"{folder}/bodies"),  # noqa: S108
        ("listen 443 ssl http2", f"listen 127.0.0.1:{port} ssl http2"),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
    ):
        assert here in text
        text = text.replace(here, there)
    text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    temporary = f"access_log off;\n{temporary}"
    return f"user root;\npid {folder}/nginx.pid;\nevents {{}}\nhttp {{\n{temporary}{text}\n}}\n"


@pytest.fixture
def proxied(certificate: Path, tmp_path: Path, installation: Path) -> Iterator[tuple[Machine, str, str]]:
    """The site behind nginx: the machine, and the addresses by HTTPS and by HTTP."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not here, so its configuration was not tried.")
    given = {"SECRETLY_HTTPS": "1", "SECRETLY_TRUSTED_PROXIES": "127.0.0.1", "SECRETLY_LOG": "json"}
    machine = Machine(tmp_path / "home", given | {"DJANGO_ALLOWED_HOSTS": "secretly.example"})
    machine.install_like(installation)
    port, plain = free_port(), free_port()
    (tmp_path / "nginx.conf").write_text(nginx_configuration(tmp_path, machine, port, plain))
    (tmp_path / "bodies").mkdir()
    command = [nginx, "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True)  # noqa: S603
    assert tested.returncode == 0, tested.stderr
    with running(machine):
        server = subprocess.Popen([*command, "-g", "daemon off;"])  # noqa: S603
        try:
            wait_until(lambda: takes_connections(port))
            yield machine, f"https://127.0.0.1:{port}", f"http://127.0.0.1:{plain}"
        finally:
            server.terminate()
            server.wait(10)


def takes_connections(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


class Answer:
    def __init__(
        self, url: str, cookies: str = "", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the test's own certificate
        request = urllib.request.Request(url, body, {"Host": "secretly.example", "Cookie": cookies, **(headers or {})})  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), NoRedirect)
        with opener.open(request, timeout=60) as answer:
            self.status, self.headers, self.body = answer.status, answer.headers, answer.read()


class NoRedirect(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response


@pytest.mark.slow
def test_behind_nginx(proxied: tuple[Machine, str, str], tmp_path: Path) -> None:
    machine, secure, plain = proxied
    to_https = Answer(f"{plain}/login/?next=/")
    assert (to_https.status, to_https.headers["Location"]) == (301, "https://secretly.example/login/?next=/")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert Answer(secure + path).status == 404
        assert machine.ask(path)[0] in (200, 404)

    door = Answer(f"{secure}/login/", headers={"X-Request-Id": "chosen-by-a-visitor"})
    assert door.status == 200
    assert "max-age=" in door.headers["Strict-Transport-Security"]
    assert re.fullmatch("[0-9a-f]{32}", door.headers["X-Request-Id"])  # nginx's own
    cookie = door.headers["Set-Cookie"]
    assert "Secure" in cookie
    cookie = cookie.partition(";")[0]
    token = cookie.partition("=")[2]

    photo = pictures.hopper() + bytes(
        14 * 1024 * 1024
    )  # as large as the door takes, so that nginx must put it somewhere
    watched = Watched(tmp_path)
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=B", "X-CSRFToken": token, "Accept": "application/json"}
    headers |= {"Referer": "https://secretly.example/login/"}
    opened = Answer(f"{secure}/login/", cookie, head + photo + b"\r\n--B--\r\n", headers)
    watched.end()
    assert json.loads(opened.body)["outcome"] == "remembered"
    assert watched.folders <= {tmp_path / "bodies"}
    assert not list((tmp_path / "bodies").rglob("*.*"))

    too_much = Answer(f"{secure}/login/", cookie, bytes(102 * 1024 * 1024), headers)
    assert too_much.status == 413
    logged = [json.loads(line) for line in machine.logged().splitlines()]
    assert {line["request_id"] for line in logged if line.get("view") == "faceauth:login"} <= set(
        re.findall(r"\b[0-9a-f]{32}\b", (tmp_path / "access.log").read_text())
    )


class Watched:
    """In which folders of `folder` files came and went."""

    def __init__(self, folder: Path) -> None:
        self.folders: set[Path] = set()
        self.done = threading.Event()
        self.there = {path for path in folder.rglob("*") if path.is_file()}
        self.thread = threading.Thread(target=self.look, args=[folder])
        self.thread.start()

    def look(self, folder: Path) -> None:
        while not self.done.wait(0.005):
            for kind in ("bodies", "proxy"):
                if any(path.is_file() for path in (folder / kind).rglob("*")):
                    self.folders.add(folder / kind)

    def end(self) -> None:
        self.done.set()
        self.thread.join()


def test_nothing_waits_in_a_file_that_stays() -> None:
    text = (FOLDER / "nginx.conf").read_text()
    assert "client_body_temp_path /dev/shm/" in text
    assert "proxy_max_temp_file_size 0;" in text
    [_everything, large] = text.split("location = /notes/import/ {")  # the one thing that fits in no memory
    assert "proxy_request_buffering off" in large.partition("}")[0]
    assert text.count("proxy_request_buffering off") == 1


# Backup and restore ---------------------------------------------------------------------------------------------------


def script(name: str, argument: Path, machine: Machine) -> str:
    done = subprocess.run(  # noqa: S603
        [FOLDER / name, argument], env=machine.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def fill(machine: Machine) -> Visitor:
    visitor = Visitor()
    assert visitor.show(machine, pictures.hopper())[1]["outcome"] == "remembered"
    note = visitor.write(machine, "tea-1")[1]["url"]
    assert visitor.show(machine, b"the word of a file", f"{note}attach/")[1]["outcome"] == "attached"
    return visitor


def check(machine: Machine, at_least: set[str]) -> None:
    """Whoever comes is recognised, and the notes and files open."""
    visitor = Visitor()
    assert visitor.show(machine, pictures.another(pictures.hopper()))[1]["outcome"] == "recognised"
    status, page = visitor.get(machine)
    assert status == 200
    assert at_least <= words_on(page, "tea")
    [attachment] = set(re.findall(r'/attachments/[0-9a-f-]{36}/(?=")', page))
    assert visitor.get(machine, attachment) == (200, "the word of a file")


@pytest.mark.slow
def test_sqlite_is_backed_up_while_it_is_written_and_restored(tmp_path: Path, installation: Path) -> None:
    machine = Machine(tmp_path / "home")
    machine.install_like(installation)
    with running(machine):
        visitor = fill(machine)
        stop, saved = threading.Event(), ["tea-1"]

        def write() -> None:
            while not stop.is_set() and len(saved) < 40:
                name = f"tea-{len(saved) + 1}"
                if visitor.write(machine, name)[1].get("outcome") == "saved":
                    saved.append(name)

        writer = threading.Thread(target=write)
        writer.start()
        wait_until(lambda: len(saved) >= 5)
        before = set(saved)
        made = Path(script("backup", tmp_path / "backups", machine))
        stop.set()
        writer.join()
    names = {path.name for path in made.rglob("*")}
    assert "secretly.sqlite3" in names
    assert not {"secret.key", "encryption.key"} & names
    assert [path for path in (made.parent, made, made / "secretly.sqlite3") if path.stat().st_mode & 0o077] == []

    fresh = Machine(tmp_path / "fresh")
    refused = subprocess.run([FOLDER / "restore", made], env=fresh.environment, capture_output=True, text=True)  # noqa: S603
    assert refused.returncode == 1
    assert "Put encryption.key back" in refused.stderr
    fresh.home.mkdir(exist_ok=True)
    shutil.copy(machine.home / "encryption.key", fresh.home)
    shutil.copytree(machine.home / "static", fresh.home / "static")
    script("restore", made, fresh)
    with running(fresh):
        check(fresh, before)
    again = subprocess.run([FOLDER / "restore", made], env=fresh.environment, capture_output=True, text=True)  # noqa: S603
    assert again.returncode == 1  # never over what is there
    assert "restore into an empty home" in again.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [({}, "There is no secretly.sqlite3"), ({"DATABASE_URL": "postgres://u:p@127.0.0.1:1/none"}, "pg_dump")],
)
def test_what_cannot_be_backed_up_leaves_no_backup(more: dict[str, str], said: str, tmp_path: Path) -> None:
    home, backups = tmp_path / "home", tmp_path / "backups"
    home.mkdir()
    surroundings = {"PATH": os.environ["PATH"], "SECRETLY_HOME": str(home)} | more
    done = subprocess.run([FOLDER / "backup", backups], env=surroundings, capture_output=True, text=True)  # noqa: S603
    assert done.returncode != 0
    assert said in done.stderr
    assert list(backups.iterdir()) == list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("there", "more"), [("secretly.sqlite3", {"DATABASE_URL": "postgres://u:p@127.0.0.1:1/x"}), ("database.pgdump", {})]
)
def test_a_backup_of_another_database_is_not_restored(there: str, more: dict[str, str], tmp_path: Path) -> None:
    """It would leave an empty site that seems to be restored."""
    (tmp_path / there).write_text("a database")
    key = {"SECRETLY_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    surroundings = {"PATH": os.environ["PATH"], "SECRETLY_HOME": str(tmp_path / "home")} | key | more
    done = subprocess.run([FOLDER / "restore", tmp_path], env=surroundings, capture_output=True, text=True)  # noqa: S603
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.slow
def test_postgresql_is_backed_up_and_restored(tmp_path: Path) -> None:
    with postgres.running() as server:
        machine = Machine(tmp_path / "home", {"DATABASE_URL": f"{server.address}/postgres"})
        machine.environment["PATH"] = f"{postgres.programs()}:{machine.environment['PATH']}"
        machine.install()
        with running(machine):
            fill(machine)
            made = Path(script("backup", tmp_path / "backups", machine))
        assert {path.name for path in made.iterdir()} == {"database.pgdump", "media"}
        create = [
            str(postgres.programs() / "createdb"),
            "-h",
            "127.0.0.1",
            "-p",
            str(server.port),
            "-U",
            "secretly",
            "new",
        ]
        subprocess.run(create, check=True)  # noqa: S603
        fresh = Machine(tmp_path / "fresh", {"DATABASE_URL": f"{server.address}/new"})
        fresh.environment["PATH"] = machine.environment["PATH"]
        fresh.home.mkdir()
        shutil.copy(machine.home / "encryption.key", fresh.home)
        shutil.copytree(machine.home / "static", fresh.home / "static")
        script("restore", made, fresh)
        with running(fresh):
            check(fresh, {"tea-1"})


# Keys -----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_keys_are_changed_as_the_document_says(tmp_path: Path, installation: Path) -> None:
    """New key in front, restart, the command, old key away."""
    machine = Machine(tmp_path / "home")
    machine.install_like(installation)
    with running(machine):
        fill(machine)
    old = (machine.home / "encryption.key").read_text().strip()
    new = Fernet.generate_key().decode()
    machine.environment["SECRETLY_ENCRYPTION_KEYS"] = f"{new},{old}"
    machine.manage("rotate_keys")
    machine.environment["SECRETLY_ENCRYPTION_KEYS"] = new
    (machine.home / "encryption.key").unlink()
    with running(machine):
        check(machine, {"tea-1"})
