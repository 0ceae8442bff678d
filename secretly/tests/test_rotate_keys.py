"""One command moves everything that is encrypted to the first key."""

from collections.abc import Iterator
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from faceauth.local.models import Face
from faceauth.models import AuthenticatorApp
from faceauth.tests.device_cast import enrolled
from faceauth.tests.local import add_faces, collection_named, some_templates
from faceauth.tests.local import call as rekognition
from faceauth.tests.mfa_cast import with_app
from notes.models import Key, Note
from privatekit import rotation
from privatekit.rotation import Progress

pytestmark = pytest.mark.django_db


@pytest.fixture
def everything(owner: User) -> Note:
    """One of each kind of row that is encrypted with the settings' keys."""
    with_app(owner)
    enrolled(owner)
    collection_named()
    add_faces(some_templates(1))
    return Note.objects.write(owner, "Meet at the kettle.")


def use(settings: Settings, *keys: str) -> None:
    settings.ENCRYPTION_KEYS = list(keys)
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": list(keys)}


def rotate() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


def test_after_it_the_old_key_can_go(everything: Note, settings: Settings) -> None:
    [old], new = settings.ENCRYPTION_KEYS, Fernet.generate_key().decode()
    use(settings, new, old)
    said = rotate()
    assert said.count(" moved to the first key.") == len(rotation.steps) == 4
    use(settings, new)
    assert "kettle" in Note.objects.get(pk=everything.pk).text
    assert len(AuthenticatorApp.objects.get().bin_key) == 20
    face = Face.objects.get()
    assert face.get_template(face.collection).shape == (128,)
    assert rekognition("SearchFaces", CollectionId="people", FaceId=str(face.face_id))["status"] == 200


def test_a_step_that_fails_is_named_and_does_not_stop_the_others(everything: Note, settings: Settings) -> None:
    [old], new = settings.ENCRYPTION_KEYS, Fernet.generate_key().decode()
    use(settings, new, old)
    AuthenticatorApp.objects.update(key="AAAA")
    with pytest.raises(CommandError, match=r"(?s)Keep the old keys.*authenticator apps.*cannot be opened") as caught:
        rotate()
    assert "notes" not in str(caught.value)
    use(settings, new)
    assert "kettle" in Note.objects.get(pk=everything.pk).text


def test_without_the_old_key_it_says_which_is_missing(everything: Note, settings: Settings) -> None:
    [key_id] = Key.objects.values_list("wrapped_by", flat=True)
    use(settings, Fernet.generate_key().decode())
    with pytest.raises(CommandError, match=key_id) as caught:
        rotate()
    assert str(caught.value).count("\n") == 4


def test_two_steps_of_one_name_are_refused() -> None:
    def step() -> Iterator[Progress]:
        yield Progress(0, 0)

    with pytest.raises(ValueError, match="templates of faces"):
        rotation.register("templates of faces", step)
