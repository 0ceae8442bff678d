"""The units, the environment and the proxy of docs/deploy work as they are."""

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

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

from faceauth.tests import pictures
from secretly.tests.installation import free_port
from secretly.tests.machines import Machine, running, wait_until
from secretly.tests.test_docs import documented

ROOT: Path = settings.BASE_DIR
FOLDER = ROOT / "docs" / "deploy"

UNITS = sorted(path.name for path in [*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")])


def test_the_environment_file_has_only_documented_names() -> None:
    names = set(re.findall(r"^#?([A-Z_]+)=", (FOLDER / "secretly.env").read_text(), re.MULTILINE))
    assert names - documented().keys() <= {"SECRETLY_TRUSTED_PROXIES"}


@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_the_units(name: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here, so no unit was looked at.")
    for unit in UNITS:  # a timer is looked at together with its service; what they start is not installed here
        text = (FOLDER / unit).read_text()
        (tmp_path / unit).write_text(re.sub(r"/opt/secretly\S+", "/bin/true", text))
    done = subprocess.run([program, "verify", "--man=no", tmp_path / name], capture_output=True, text=True)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")


def test_the_units_start_commands_that_exist() -> None:
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

    port = secure.rpartition(":")[2]
    with_port = {"Host": f"secretly.example:{port}", "Origin": f"https://secretly.example:{port}"}
    token = re.search(r"__Host-csrftoken=([^;]+)", str(Answer(f"{secure}/login/", headers=with_port).headers))
    assert token is not None
    sent = Answer(f"{secure}/login/", f"__Host-csrftoken={token[1]}", b"", with_port | {"X-CSRFToken": token[1]})
    assert sent.status == 422  # no picture; behind a proxy that drops the port every form is refused

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
    assert json.loads(opened.body)["outcome"] == "enrolled"
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


def test_nginx_buffers_bodies_in_memory() -> None:
    text = (FOLDER / "nginx.conf").read_text()
    assert "client_body_temp_path /dev/shm/" in text
    assert "proxy_max_temp_file_size 0;" in text
    [_everything, large] = text.split("location = /notes/import/ {")  # the one thing that fits in no memory
    assert "proxy_request_buffering off" in large.partition("}")[0]
    assert text.count("proxy_request_buffering off") == 1
