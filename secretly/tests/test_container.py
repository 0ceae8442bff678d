"""The image, built and run: by a user without rights, on a root file system that the kernel keeps read-only.

Needs root, buildah and a base, so it runs where `CONTAINER_BUILD` has the options for buildah: docs/containers.md.
"""

import io
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from PIL import Image
from pillow_heif import register_heif_opener

from faceauth.tests import pictures
from secretly.tests.installation import free_port
from secretly.tests.machines import Visitor, wait_until
from secretly.tests.test_deploy_host import takes_connections

pytestmark = pytest.mark.slow
NAME = "localhost/secretly-tried"
MOST = 400_000_000  # bytes

# As container runtimes do it: a mount namespace, the root read-only, and only the volume, /tmp and /dev to write to.
INSIDE = """
mount --bind "$ROOT" "$ROOT"; mount -o remount,ro,bind "$ROOT"; mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"; mkdir "$ROOT/dev/shm"; mount -t tmpfs -o mode=1777 tmpfs "$ROOT/dev/shm"
for name in null zero random urandom; do touch "$ROOT/dev/$name"; mount --bind "/dev/$name" "$ROOT/dev/$name"; done
mount -t tmpfs -o mode=1777,size=64m tmpfs "$ROOT/tmp"; mount --bind "$VOLUME" "$ROOT/var/lib/secretly"
exec chroot "$ROOT" setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all \
  env -i -C /opt/secretly "$@"
"""


class Container:
    def __init__(self, volume: Path) -> None:
        self.volume, self.port = volume, free_port()
        volume.mkdir(mode=0o700)
        os.chown(volume, 10001, 10001)
        told = json.loads(buildah("inspect", "--type", "image", NAME))
        self.given: dict[str, Any] = told["Docker"]["config"]
        self.working = buildah("from", NAME).strip()
        self.root = Path(buildah("mount", self.working).strip())

    def command(self, *words: str) -> dict[str, Any]:
        """What starts these words inside, for `subprocess`."""
        bind = f"GUNICORN_CMD_ARGS=--bind=127.0.0.1:{self.port}"
        inside = ["sh", "-eu", "-c", INSIDE, "sh", *self.given["Env"], bind, *words]
        environment = os.environ | {"ROOT": str(self.root), "VOLUME": str(self.volume)}
        return {"args": ["unshare", "--mount", "--pid", "--fork", "--kill-child", *inside], "env": environment}

    def run(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(**self.command(*words), input=given, capture_output=True)

    def size(self) -> int:
        files = [path.lstat() for path in self.root.rglob("*") if not path.is_dir() or path.is_symlink()]
        return sum({(file.st_dev, file.st_ino): file.st_size for file in files}.values())


def buildah(*words: str) -> str:
    return subprocess.run(["buildah", *words], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    options = os.environ.get("CONTAINER_BUILD")
    if options is None or shutil.which("buildah") is None or os.getuid():
        pytest.skip("CONTAINER_BUILD does not say how to build the image here: it was neither built nor run.")
    kind = ["--layers", "--format", "docker", "--isolation", "chroot", "--tag", NAME]
    buildah("bud", *kind, *shlex.split(options), str(settings.BASE_DIR))
    made = Container(tmp_path_factory.mktemp("container") / "volume")
    yield made
    buildah("rm", made.working)


def test_it_is_small_and_nothing_can_be_written(container: Container) -> None:
    assert container.size() < MOST
    told = container.run("sh", "-c", "id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; touch x /etc/x")
    assert told.stdout.split() == b"10001 CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1".split()
    assert told.stderr.count(b"Read-only file system") == 2


def test_it_serves_and_its_health_check_passes(container: Container) -> None:
    for words in ("migrate -v0", "rekognition_collection create"):
        done = container.run("python", "manage.py", *words.split())
        assert done.returncode == 0, done.stderr
    server = subprocess.Popen(**container.command(*container.given["Cmd"]))
    try:
        wait_until(lambda: server.poll() is not None or takes_connections(container.port))
        [_kind, *check] = container.given["Healthcheck"]["Test"]
        assert container.run(*(word.replace(":8000", f":{container.port}") for word in check)).returncode == 0
        site, visitor, again = SimpleNamespace(port=container.port), Visitor(), Visitor()
        status, asked = visitor.show(site, photo("HEIF"))  # type: ignore[arg-type]
        assert (status, asked["outcome"]) == (200, "stranger")
        assert visitor.agree(site, asked["sealed"])[1]["outcome"] == "enrolled"  # type: ignore[arg-type]
        assert again.show(site, pictures.another(pictures.hopper()))[1]["outcome"] == "recognised"  # type: ignore[arg-type]
    finally:
        server.kill()  # unshare blocks SIGTERM, and takes what is inside with it
        server.wait(40)
    assert {path.name.partition("-")[0] for path in container.volume.iterdir()} == {
        *("encryption.key", "secret.key", "secretly.sqlite3"),
    }


READ = (
    "import sys; from notes.pictures import clean_picture; print(clean_picture(sys.stdin.buffer.read()).content_type)"
)


@pytest.mark.parametrize(("kind", "becomes"), [("HEIF", "jpeg"), ("AVIF", "avif"), ("WEBP", "webp"), ("PNG", "png")])
def test_it_reads_every_kind_of_picture(container: Container, kind: str, becomes: str) -> None:
    """The image lacks libraries of OpenCV and of the encoder of HEIC: see tools/image/packages."""
    done = container.run("python", "manage.py", "shell", "-v0", "-c", READ, given=photo(kind))
    assert done.stdout.decode().split() == [f"image/{becomes}"], done.stderr


def photo(kind: str) -> bytes:
    register_heif_opener()
    return pictures.encoded(Image.open(io.BytesIO(pictures.hopper())), kind)
