import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from faceauth.evaluation import dataset
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.vision import mean_template, networks

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with three pictures each, a picture without a face, and a file that is not a picture."""
    everybody = tmp_path_factory.mktemp("people")
    for name, picture in (("Grace", pictures.hopper()), ("Eileen", pictures.collins())):
        (everybody / name).mkdir()
        variants = {
            "1.jpg": picture,
            "2.jpg": pictures.another(picture),
            "3.jpg": pictures.another(pictures.another(picture)),
        }
        for file, content in variants.items():
            (everybody / name / file).write_bytes(content)
    (everybody / "Grace" / "landscape.jpg").write_bytes(pictures.landscape())
    (everybody / "Grace" / "notes.txt").write_text("no picture")
    return everybody


def calibrate(*arguments: object) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("calibrate", *map(str, arguments), "--processes=2", stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_report(folder: Path, tmp_path: Path) -> None:
    out, err = calibrate(folder, "--json", tmp_path / "rates.json", "--plot", tmp_path / "det.svg", "--fmr=1e-6")
    assert "6 pictures of 2 people" in out
    assert "9 impostor and 6 genuine comparisons" in out
    assert re.search(r"^ +90 +0\.\d{4} +0\.00e\+00 \[0\.00e\+00, 1\.00e\+00\] +0\.00 \[0\.00, 100\.00\]", out, re.M)
    assert "1.0e-06  cannot be measured: that takes 3,000,000 impostor comparisons" in out
    assert "1 of 8 pictures left out: no_face" in err
    assert "1 of 8 pictures left out: not_an_image" in err
    figures = json.loads((tmp_path / "rates.json").read_text())
    assert figures["verification"]["people"] == 2
    assert [at["similarity"] for at in figures["verification"]["thresholds"]] == [80, 85, 90, 95, 99]
    assert figures["identification"][0]["enrolled"] == 1
    assert "<svg " in (tmp_path / "det.svg").read_text()


def test_what_is_known_of_the_pictures_is_respected(folder: Path, tmp_path: Path) -> None:
    known = tmp_path / "labels.json"
    known.write_text('{"shows_somebody_else": ["Grace/3.jpg"]}')
    out, err = calibrate(folder, "--labels", known)
    assert "5 pictures of 2 people" in out
    assert "6 impostor and 4 genuine comparisons" in out
    assert "1 of 8 pictures left out: labels" in err
    known.write_text('{"relatives_or_twins": [["Eileen", "Grace"]]}')
    with pytest.raises(CommandError, match="All people are relatives"):
        calibrate(folder, "--labels", known)
    known.write_text("{")
    with pytest.raises(CommandError, match=r"labels\.json cannot be read"):
        calibrate(folder, "--labels", known)


def test_the_mean_of_the_people_is_written(folder: Path, tmp_path: Path) -> None:
    calibrate(folder, "--mean", tmp_path / "mean.json")
    content = (tmp_path / "mean.json").read_bytes()
    assert b"6 of 2 people in" in content
    people = [[made_from(folder / name / f"{number}.jpg") for number in (1, 2, 3)] for name in ("Eileen", "Grace")]
    assert np.allclose(mean_template.read(content), mean_template.mean_of(people), atol=1e-5)


def made_from(path: Path) -> networks.Template:
    """The template as SFace makes it."""
    face = dataset.face_in_the_middle(read(path.read_bytes()).pixels)
    assert face is not None
    return np.asarray(face.vector / face.length, np.float32)


def test_no_progress_is_shown_in_a_pipe(folder: Path) -> None:
    assert "\r" not in calibrate(folder)[1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "holds no pictures"),
        (lambda path: path.rmdir(), "is not a folder"),
        (lambda path: add(path, "Grace", pictures.hopper(), pictures.hopper()), "Fewer than two people"),
        (
            lambda path: [add(path, name, pictures.hopper()) for name in ("Grace", "Eileen")],
            "two usable pictures",
        ),
        (lambda path: add(path, "Nobody", pictures.landscape()), "No picture"),
    ],
)
def test_a_folder_that_cannot_be_measured(make: object, message: str, tmp_path: Path) -> None:
    everybody = tmp_path / "people"
    everybody.mkdir()
    make(everybody)  # type: ignore[operator]
    with pytest.raises(CommandError, match=message):
        calibrate(everybody)


def add(folder: Path, name: str, *contents: bytes) -> Path:
    home = folder / name
    home.mkdir(parents=True)
    for number, content in enumerate(contents):
        (home / f"{number}.jpg").write_bytes(content)
    return home


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fmr=2"], "not a rate"),
        (["--fmr=often"], "not a rate"),
        (["--plot=det.gif"], ".svg"),
        (["--processes=0"], "1 or more"),
    ],
)
def test_arguments_that_cannot_work(arguments: list[str], message: str, folder: Path) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("calibrate", str(folder), *arguments)


def test_without_matplotlib_a_plot_is_refused_before_measuring(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(CommandError, match="pip install matplotlib"):
        calibrate(folder, "--plot", "det.svg")


def test_a_report_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        calibrate(folder, "--json", tmp_path / "missing" / "rates.json")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Handle Ctrl-C, also where a shell runs the tests in the background and ignores it: children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_terminal_shows_progress_and_ctrl_c_stops(tmp_path: Path, ctrl_c: None) -> None:
    crowd = tmp_path / "crowd"
    for number in range(60):
        add(crowd, f"Somebody{number}", *[pictures.hopper()] * 4)
    command = [sys.executable, "manage.py", "calibrate", str(crowd), "--processes=1"]
    environment = {**os.environ, "SECRETLY_HOME": str(tmp_path / "home")}
    try:
        parent, child = pty.openpty()
    except OSError as error:
        pytest.skip(f"There is no terminal to be had here: {error}.")
    termios.tcsetwinsize(child, (24, 120))  # without a size tqdm shows nothing
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=child, stderr=child)  # noqa: S603
    os.close(child)
    shown = read_until(parent, rb"\b[1-9]\d*/240 \[")
    process.send_signal(signal.SIGINT)
    shown += read_until(parent, None)
    assert process.wait(30) == 130
    assert re.search(rb"[1-9]\d*/240 \[", shown)
    assert b"Stopped." in shown
    assert b"Traceback" not in shown


def read_until(terminal: int, pattern: bytes | None) -> bytes:
    """What a terminal shows, up to the pattern or to its end."""
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (pattern is None or not re.search(pattern, shown)):
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # Linux ends a terminal whose other side was closed with EIO
            break
    return shown
