import pytest
from pytest_django import Settings

from faceauth.rekognition.client import client
from faceauth.rekognition.collection import list_collections


def test_local_needs_no_aws_settings_and_ignores_broken_ones(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://example.invalid")
    client.cache_clear()
    assert list(list_collections()) == []


def test_one_client_a_process_and_a_new_one_for_new_settings(settings: Settings) -> None:
    first = client()
    assert client() is first
    settings.FACEAUTH = {**settings.FACEAUTH, "REGION": "eu-central-1"}
    assert client() is not first
    assert client().meta.region_name == "eu-central-1"


def test_aws_is_amazons_own_endpoint(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": "aws", "REGION": "eu-west-1"}
    assert client().meta.endpoint_url == "https://rekognition.eu-west-1.amazonaws.com"
    config = client().meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 8)  # type: ignore[attr-defined]
    assert config.retries["total_max_attempts"] == 2  # type: ignore[attr-defined]


def test_a_url_is_where_the_calls_go(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": "http://127.0.0.1:5005"}
    assert client().meta.endpoint_url == "http://127.0.0.1:5005"
