"""The services of compose.yaml, with its commands, environment and proxy, as processes of this machine.

Host names and ports become this machine's. PostgreSQL, Redis and nginx are Debian's.
"""

import http.client
import re
import secrets
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from cryptography.fernet import Fernet
from django.conf import settings

from faceauth.tests import pictures, postgres
from secretly.tests.installation import free_port
from secretly.tests.machines import INHERITED, Visitor, wait_until
from secretly.tests.test_deploy_host import certificate, takes_connections

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("machines")]
__all__ = ["certificate"]

ROOT: Path = settings.BASE_DIR
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
NAME = "notes.example.org"
START = 180  # seconds: other tests may run beside it


def secrets_of_the_guide() -> dict[str, str]:
    """What docs/containers.md writes into .env."""
    return {
        "SECRETLY_NAME": NAME,
        "POSTGRES_PASSWORD": secrets.token_hex(20),
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "SECRETLY_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "REKOGNITION_LOCAL_CREDENTIALS": "AKIDLOCAL:" + "5" * 40,
        "AWS_ACCESS_KEY_ID": "AKIDLOCAL",
        "AWS_SECRET_ACCESS_KEY": "5" * 40,
    }


def expanded(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)(?::\?[^}]*)?\}", lambda found: values[found[1]], text)


class Services:
    """What compose.yaml says, on this machine's ports."""

    def __init__(self, folder: Path, static: Path, database: str) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in ("cache", "recogniser", "site", "https", "http")}
        self.moved = {  # what the file says, and what it is here
            "@db/": f"@127.0.0.1:{database.rpartition(':')[2]}/",
            "cache:6379": f"127.0.0.1:{self.ports['cache']}",
            "recogniser:5005": f"127.0.0.1:{self.ports['recogniser']}",
            "0.0.0.0:5005": f"127.0.0.1:{self.ports['recogniser']}",
            "0.0.0.0:8000": f"127.0.0.1:{self.ports['site']}",
            "127.0.0.1:5005": f"127.0.0.1:{self.ports['recogniser']}",
            "127.0.0.1:8000": f"127.0.0.1:{self.ports['site']}",
            "10.89.77.0/24": "127.0.0.1",
            "/var/lib/secretly": str(folder / "home"),
            "/opt/secretly/collected": str(static),
        }
        values = secrets_of_the_guide()
        given = {name: expanded(value, values) for name, value in COMPOSE["services"]["site"]["environment"].items()}
        self.environment = {name: self.here(value) for name, value in (of_the_image() | given).items()}

    def here(self, text: str) -> str:
        for there, here in self.moved.items():
            text = text.replace(there, here)
        return text

    def command(self, service: str) -> list[str]:
        return [self.here(word) for word in COMPOSE["services"][service]["command"]]

    @contextmanager
    def served(self, name: str, command: list[str], port: str) -> Iterator[None]:
        with (self.folder / f"{name}.log").open("w") as log:
            server = subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                wait_until(lambda: server.poll() is not None or takes_connections(self.ports[port]), START)
                assert server.poll() is None, (self.folder / f"{name}.log").read_text()
                yield
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(40)

    def healthy(self, service: str) -> bool:
        """What the file's own health check says."""
        kind, *words = COMPOSE["services"][service]["healthcheck"]["test"]
        command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        moved = [self.here(word) for word in command]
        return subprocess.run(moved, env=self.environment, capture_output=True).returncode == 0  # noqa: S603

    def proxy(self, certificates: Path) -> list[str]:
        """The command that starts nginx with the file's configuration."""
        text = (ROOT / "docs" / "deploy" / "containers.nginx.conf").read_text()
        for there, here in {
            "/etc/nginx/certificates/fullchain.pem": f"{certificates}/certificate.pem",
            "/etc/nginx/certificates/privkey.pem": f"{certificates}/key.pem",
            "/dev/stdout": f"{self.folder}/access.log",
            "/dev/shm/secretly-bodies": f"{self.folder}/bodies",  # noqa: S108
            "listen 443": f"listen 127.0.0.1:{self.ports['https']}",
            "listen 80;": f"listen 127.0.0.1:{self.ports['http']};",
            "http://site:8000": f"http://127.0.0.1:{self.ports['site']}",
        }.items():
            assert there in text
            text = text.replace(there, here)
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
        kinds = "".join(f"{kind}_temp_path {self.folder}/{kind};\n" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
        written = self.folder / "nginx.conf"
        head = f"user root;\ndaemon off;\npid {self.folder}/pid;\nevents {{}}\n"
        written.write_text(f"{head}http {{\naccess_log off;\n{kinds}{text}\n}}\n")
        return [program("nginx"), "-c", str(written), "-e", f"{self.folder}/error.log"]


def of_the_image() -> dict[str, str]:
    """The environment that the Containerfile sets, with this machine's programs."""
    [block] = re.findall(r"^ENV (PATH=.*(?:(?<=\\)\n.*)*)", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    given = dict(word.split("=", 1) for word in shlex.split(block.replace("\\\n", " ")))
    here = subprocess.run(["env"], capture_output=True, text=True).stdout.splitlines()  # noqa: S607
    inherited = dict(line.split("=", 1) for line in here if line.split("=", 1)[0] in INHERITED)
    return given | {"PATH": f"{Path(sys.executable).parent}:{inherited['PATH']}", "WEB_CONCURRENCY": "1"}


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not here, so the services of compose.yaml were not started.")
    return found


@pytest.fixture
def services(tmp_path: Path, installation: Path, certificate: Path) -> Iterator[Services]:
    """All of them, in the order of the file."""
    redis, _nginx = program("redis-server"), program("nginx")
    with ExitStack() as stack:
        here = Services(tmp_path, installation / "static", stack.enter_context(postgres.server()))
        with psycopg.connect(
            re.sub("/secretly$", "/postgres", here.environment["DATABASE_URL"]), autocommit=True
        ) as made:
            made.execute("CREATE DATABASE secretly")
        [_name, *options] = here.command("cache")
        at = ["--bind", "127.0.0.1", "--port", str(here.ports["cache"]), "--dir", str(tmp_path)]
        stack.enter_context(here.served("cache", [redis, *options, *at], "cache"))
        done = subprocess.run(here.command("tables"), cwd=ROOT, env=here.environment, capture_output=True, text=True)  # noqa: S603
        assert done.returncode == 0, done.stderr
        stack.enter_context(here.served("recogniser", here.command("recogniser"), "recogniser"))
        assert here.healthy("recogniser")
        stack.enter_context(here.served("site", here.command("site"), "site"))
        assert here.healthy("site")
        stack.enter_context(here.served("proxy", here.proxy(certificate), "https"))
        yield here


class Guest(Visitor):
    """Comes through the proxy, by HTTPS."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def send(
        self, machine: Any, method: str, path: str, body: bytes = b"", content_type: str = "", as_json: bool = True
    ) -> tuple[int, dict[str, str], bytes]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the test's own certificate
        headers = {"Host": NAME, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {"Accept": "application/json" if as_json else "text/html", "Origin": f"https://{NAME}"}
        if method == "POST":
            token = self.cookies.get("__Host-csrftoken", "")
            headers |= {"Content-Type": content_type, "X-CSRFToken": token, "Referer": f"https://{NAME}{path}"}
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        connection.close()
        return answer.status, dict(answer.headers.items()), content


def walk(port: int) -> None:
    """First visit, enrolment with consent, a note, and the same person by another photo."""
    proxy: Any = None  # a guest knows the way
    first = Guest(port)
    assert first.get(proxy)[0] == 302
    status, page = first.get(proxy, "/login/")
    assert status == 200
    assert "<h1" in page
    status, asked = first.show(proxy, pictures.hopper())
    assert (status, asked["outcome"]) == (200, "stranger"), asked
    assert first.agree(proxy, asked["sealed"])[1]["outcome"] == "enrolled"
    assert first.write(proxy, "# In a container\n\nA note that stays.")[0] in (200, 201)
    again = Guest(port)
    assert again.show(proxy, pictures.another(pictures.hopper()))[1]["outcome"] == "recognised"
    assert "In a container" in again.get(proxy)[1]
    stranger = Guest(port)
    assert stranger.show(proxy, pictures.collins())[1]["outcome"] == "stranger"


def test_somebody_comes_through_the_proxy(services: Services) -> None:
    walk(services.ports["https"])
    assert not list((services.folder / "bodies").rglob("*.*"))
    with psycopg.connect(services.environment["DATABASE_URL"]) as database:
        counted = database.execute("SELECT count(*) FROM faceauth_signin").fetchone()
    assert counted is not None
    assert counted[0] >= 3
    assert not (services.folder / "home" / "secret.key").exists()  # the keys are those of .env
