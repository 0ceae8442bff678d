"""The container, the compose file and the Terraform stack: what they say is what the site knows."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from secretly.tests.test_docs import documented

ROOT = settings.BASE_DIR
STACK = ROOT / "docs" / "deploy" / "terraform" / "main.tf"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERFILE = (ROOT / "Containerfile").read_text()
KNOWN = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "settings.md").read_text()))
OF_LIBRARIES = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GUNICORN_CMD_ARGS"}


def test_the_image_is_not_root_and_holds_no_key() -> None:
    last = CONTAINERFILE.rpartition("\nFROM ")[2]
    assert "\nUSER secretly\n" in last
    assert "HEALTHCHECK" in last
    assert last.startswith("scratch\n")  # what lower layers hold counts, too
    assert not re.search(r"SECRET_KEY|ENCRYPTION_KEYS|_PASSWORD", CONTAINERFILE)
    kept = re.findall(r"^COPY (?!--from)(\S+)", CONTAINERFILE, re.M)
    assert all((ROOT / name).exists() for name in kept)
    assert {"secretly", "faceauth", "notes", "privatekit", "templates", "static", "locale"} <= set(kept)


@pytest.mark.parametrize("name", ["site", "recogniser", "tables"])
def test_services_of_ours_write_nowhere_and_may_nothing(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["environment"].keys() <= KNOWN | OF_LIBRARIES


def test_options_are_those_that_docker_and_podman_know() -> None:
    """podman has no uid in a tmpfs, and takes the words of a health check apart at spaces."""
    for name, service in COMPOSE["services"].items():
        assert all("uid=" not in mount for mount in service.get("tmpfs", [])), name
        kind, *words = service.get("healthcheck", {"test": ["NONE"]})["test"]
        assert kind == "CMD-SHELL" or all(" " not in word for word in words), name
        for other, wanted in service.get("depends_on", {}).items():
            asks = wanted["condition"] == "service_healthy"
            assert not asks or "healthcheck" in COMPOSE["services"][other], other


def test_secrets_are_asked_for_and_have_no_default() -> None:
    for name, value in COMPOSE["services"]["site"]["environment"].items():
        if re.search(r"KEY|CREDENTIALS", name):
            assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]*\}", value), name


def test_commands_of_both_are_commands_of_the_site() -> None:
    text = STACK.read_text() + json.dumps(COMPOSE)
    asked = set(re.findall(r"manage\.py[\", ]+(\w+)", text))
    assert asked <= set(get_commands())
    assert {"migrate", "clearsessions", "empty_trash", "prune_sign_ins", "rekognition_collection"} <= asked


def test_the_stack_sets_what_the_site_knows() -> None:
    block = STACK.read_text().split("  environment = {", 1)[1].split("\n  }", 1)[0]
    assert set(re.findall(r"^\s+([A-Z_]+)\s+=", block, re.M)) <= KNOWN | OF_LIBRARIES
    secrets = re.findall(r'"([A-Z_]+)"', STACK.read_text().split("  secrets = [", 1)[1].split("]", 1)[0])
    assert set(secrets) == {"DATABASE_URL", "DJANGO_SECRET_KEY", "SECRETLY_ENCRYPTION_KEYS"}


def test_the_page_of_aws_names_every_setting() -> None:
    told = set(re.findall(r"`([A-Z][A-Z0-9_]+)(?:=\w+)?`", (ROOT / "docs" / "aws.md").read_text()))
    assert told <= KNOWN | OF_LIBRARIES
    assert documented().keys() - told == set()


@pytest.mark.slow
def test_terraform_finds_the_stack_valid(tmp_path: Path) -> None:
    terraform, plugins = shutil.which("terraform"), os.environ.get("TERRAFORM_PLUGINS", "/usr/share/terraform/plugins")
    if terraform is None or not Path(plugins).is_dir():
        pytest.skip("Terraform and its provider for AWS are not installed, so the stack was not validated.")
    shutil.copytree(STACK.parent.parent, tmp_path / "deploy")
    folder = tmp_path / "deploy" / "terraform"
    init = [terraform, "init", "-input=false", "-backend=false", f"-plugin-dir={plugins}"]
    subprocess.run(init, cwd=folder, check=True, capture_output=True)  # noqa: S603
    done = subprocess.run([terraform, "validate", "-json"], cwd=folder, capture_output=True, text=True)  # noqa: S603
    assert json.loads(done.stdout)["valid"], done.stdout
    assert subprocess.run([terraform, "fmt", "-check"], cwd=folder).returncode == 0  # noqa: S603
