"""Joining the modules of a script: the result does what they did, in one file."""

import shutil
import subprocess
from collections.abc import Mapping

import pytest
from django.contrib.staticfiles import finders

from secretly.joining import NotJoined, join
from secretly.static import JOINED

NODE = shutil.which("node")
MODULES = {
    "a/main.js": 'import { twice, ONE as one } from "../b/numbers.js";\nimport "./loud.js";\n'
    "/** @typedef {import('./gone.js').Gone} Gone */\n\n// to be seen\n"
    'const { late } = await0();\nfunction await0() {\n  return { late: import("../b/late.js") };\n}\n'
    'console.log(twice(one), "// no comment");\nlate.then(({ name }) => console.log(name));\n',
    "a/loud.js": 'import * as all from "../b/numbers.js";\nconsole.log("loud", Object.keys(all).join());\n',
    "b/numbers.js": 'export { base } from "./base.js";\nimport { base as b } from "./base.js";\n'
    "export const ONE = b;\nexport function twice(n) {\n  return 2 * n;\n}\n",
    "b/base.js": 'console.log(await "once");\nexport const base = 1;\n',
    "b/late.js": 'export const name = "late";\n',
}


def read_from(modules: Mapping[str, str]) -> str:
    return join("a/main.js", modules.__getitem__)


@pytest.mark.skipif(NODE is None, reason="There is no Node here, so nothing was run.")
def test_it_does_what_the_modules_did() -> None:
    text = read_from(MODULES)
    assert "gone" not in text
    assert "to be seen" not in text
    command = [str(NODE), "--input-type=module", "-e", text]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.splitlines() == ["once", "loud base,ONE,twice", "2 // no comment", "late"]


def test_what_stays_apart_is_asked_for_from_where_the_entry_is() -> None:
    assert 'import("./../b/late.js")' in join("a/main.js", MODULES.__getitem__, frozenset({"b/late.js"}))


def test_what_the_entry_exports_can_be_asked_for_later() -> None:
    assert join("b/late.js", MODULES.__getitem__).endswith("export const { name } = module0;\n")


@pytest.mark.parametrize(
    "text",
    [
        'import thing from "./thing.js";\n',
        "export default 1;\n",
        "export { a };\n",
        "const here = import.meta.url;\n",
        'import "./main.js";\n',
    ],
)
def test_what_cannot_be_joined_is_refused(text: str) -> None:
    with pytest.raises(NotJoined):
        read_from({"a/main.js": text, "a/thing.js": ""})


@pytest.mark.parametrize("name", sorted(JOINED))
def test_the_sites_own_scripts_can_be_joined(name: str) -> None:
    def read(path: str) -> str:
        found = finders.find(path)
        assert isinstance(found, str), path
        with open(found) as file:
            return file.read()

    text = join(name, read, JOINED)
    assert "import {" not in text
    assert text.count("export ") == text.count("export const {")
