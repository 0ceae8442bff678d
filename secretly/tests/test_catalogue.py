"""The Arabic catalogue: it holds every sentence of the code, translated, and nothing else."""

import ast
import gettext
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.apps import apps
from django.conf import settings
from django.utils.functional import Promise

ROOT: Path = settings.BASE_DIR
MESSAGES = ROOT / "locale" / "ar" / "LC_MESSAGES"
ROOMS = ("faceauth", "notes", "secretly")
PLURALS = 6  # of Arabic: for none, one, two, few, many, and others
COUNTS = {"%(n)s", "%(n)d", "%(count)d", "%(count)s", "%(left)s", "%(days)s", "%(minutes)s"}


class Entry(NamedTuple):
    english: str
    plural: str
    arabic: list[str]
    """One sentence, or its plurals."""
    fuzzy: bool


def entries(catalogue: Path = MESSAGES / "django.po") -> list[Entry]:
    """Each sentence of a catalogue, but for its head."""
    found = []
    for block in catalogue.read_text().split("\n\n")[1:]:
        (english,), arabic = texts("msgid", block), texts(r"msgstr(?:\[\d\])?", block)
        fuzzy = bool(re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE))
        found.append(Entry(english, "".join(texts("msgid_plural", block)), arabic, fuzzy))
    return found


def texts(keyword: str, block: str) -> list[str]:
    strings = re.findall(rf'^{keyword} ((?:"(?:[^"\\]|\\.)*"\n?)+)', block, re.MULTILINE)
    return ["".join(ast.literal_eval(line) for line in text.splitlines()) for text in strings]


def compiled() -> gettext.GNUTranslations:
    with (MESSAGES / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


# The catalogue --------------------------------------------------------------------------------------------------------


def test_every_sentence_is_translated() -> None:
    assert len(entries()) > 550
    assert [entry.english for entry in entries() if entry.fuzzy or not all(entry.arabic)] == []
    assert [entry.english for entry in entries() if len(entry.arabic) != (PLURALS if entry.plural else 1)] == []


def test_every_sentence_is_compiled() -> None:
    catalogue, example = compiled(), {0: 0, 1: 1, 2: 2, 3: 3, 4: 11, 5: 100}
    for entry in entries():
        if entry.plural:
            said = [catalogue.ngettext(entry.english, entry.plural, example[form]) for form in range(PLURALS)]
        else:
            said = [catalogue.gettext(entry.english)]
        assert said == entry.arabic, "Say `make messages`."


def test_placeholders_are_kept() -> None:
    """But for one thing or two of something, where the Arabic noun itself says how many."""
    for entry in entries():
        given = values(entry.english)
        assert given == values(entry.plural or entry.english)
        for form, text in enumerate(entry.arabic):
            assert values(text) == given or (form in (1, 2) and set(given) - set(values(text)) <= COUNTS), text


def values(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)\w|%[sdg]", text))


def test_arabic_uses_its_own_punctuation() -> None:
    """Its own comma, semicolon and question mark; and it ends as the English does, as far as a full stop goes."""
    for entry in entries():
        for text in entry.arabic:
            assert not re.search(r"[\u0600-\u06ff\u064b-\u065f] ?[,;?](?= |$)", text.replace(" و ? ", " ")), text
            assert text.rstrip().endswith(".") == entry.english.rstrip().endswith("."), text
            assert "“" not in text
            # After an Arabic letter the parts of a date would change places.
            assert re.findall(r".%\(at\)s.", text) == ["\u2066%(at)s\u2069"] * text.count("%(at)s"), text


# What the code says ---------------------------------------------------------------------------------------------------


def test_the_catalogue_holds_exactly_the_sentences_of_the_code(tmp_path: Path) -> None:
    """As `make messages` collects it."""
    if shutil.which("xgettext") is None:
        pytest.skip("There is no xgettext here (Debian: gettext), so the sentences were not collected.")
    hidden = shutil.ignore_patterns("tests", "__pycache__")
    for room in (*ROOMS, "templates"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=hidden)
    (tmp_path / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "-l", "ar", "--no-wrap", "--no-location"]
    # Without the settings of this site.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)  # noqa: S603 - our own command
    collected = entries(tmp_path / "locale" / "ar" / "LC_MESSAGES" / "django.po")
    said = {(entry.english, entry.plural) for entry in collected}
    known = {(entry.english, entry.plural) for entry in entries()}
    assert said - known == set(), "Say `make messages`, and translate."
    assert known - said == set(), "Say `make messages`."


def test_the_catalogue_holds_sentences_of_f_strings() -> None:
    """xgettext sees nothing inside of an f-string, so this looks by itself."""
    known = {entry.english for entry in entries()}
    said = {sentence for room in ROOMS for path in (ROOT / room).rglob("*.py") for sentence in sentences(path)}
    assert len(said) > 250
    assert said - known == set()


def sentences(path: Path) -> Iterator[str]:
    if "tests" in path.parts:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        first = node.args[0]
        wrapped = node.func.id == "_" or "gettext" in node.func.id
        if wrapped and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def test_names_of_models_are_translated() -> None:
    """Their names, those of their fields, and of the choices that the fields offer."""
    bare = set()
    for model in apps.get_models():
        if model._meta.app_label not in ("faceauth", "notes"):
            continue
        names = [model._meta.verbose_name, model._meta.verbose_name_plural]
        for field in model._meta.local_fields:
            if field.name in declared(model) and not field.primary_key and not field.is_relation:
                names += [field.verbose_name, *dict(field.flatchoices).values()]
        bare |= {f"{model._meta.label}: {name}" for name in names if not isinstance(name, Promise)}
    assert bare == set()


def declared(model: type) -> set[str]:
    """What the class itself says, and not one from elsewhere that it inherits from."""
    (source,) = [
        node
        for node in ast.walk(ast.parse(Path(sys.modules[model.__module__].__file__ or "").read_text()))
        if isinstance(node, ast.ClassDef) and node.name == model.__name__
    ]
    targets = [node.targets[0] for node in source.body if isinstance(node, ast.Assign)]
    return {target.id for target in targets if isinstance(target, ast.Name)}
