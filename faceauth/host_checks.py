"""Checks at start of how the site is put together: its apps, middleware, backends and user model."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model, load_backend
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from faceauth.backends import FaceBackend
from faceauth.conf import conf, named
from faceauth.enrolment import make_user

FORGET_ACCOUNT = ("made", "always", "never")
BACKEND = "faceauth.backends.FaceBackend"
REAUTHENTICATION = "faceauth.web.reauthentication.ReauthenticationMiddleware"
SECOND_FACTOR = "faceauth.web.second_factor_gate.SecondFactorMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


@register
def check_host(**kwargs: Any) -> list[CheckMessage]:
    try:
        conf()
    except (ImproperlyConfigured, TypeError):  # faceauth.E001 says so
        return []
    return [*check_backend(), *check_middleware(), *check_local(), *check_templates(), *check_accounts()]


def check_backend() -> Iterator[CheckMessage]:
    if not any(isinstance(load_backend(path), FaceBackend) for path in settings.AUTHENTICATION_BACKENDS):
        hint = f"Add {BACKEND!r} to AUTHENTICATION_BACKENDS, after what is there."
        yield Error("Nobody can sign in by face: its authentication backend is missing.", hint=hint, id="faceauth.E014")


def check_middleware() -> Iterator[CheckMessage]:
    places = {path: place for place, path in enumerate(settings.MIDDLEWARE)}
    after = places.get(AUTHENTICATION, -1)
    if places.get(REAUTHENTICATION, -1) <= after:
        hint = f"Add {REAUTHENTICATION!r} to MIDDLEWARE, after AuthenticationMiddleware."
        what = "Whoever sits down at an open session can enrol a face or forget its person without any proof."
        yield Error(what, hint=hint, id="faceauth.E015")
    others = [path for path in settings.AUTHENTICATION_BACKENDS if not isinstance(load_backend(path), FaceBackend)]
    if others and places.get(SECOND_FACTOR, -1) <= after:
        hint = f"Add {SECOND_FACTOR!r} to MIDDLEWARE, after AuthenticationMiddleware, or use its decorator."
        what = f"Sign-ins by {others[0]} pass without the second factor that sign-ins by face need."
        yield Warning(what, hint=hint, id="faceauth.W004")


def check_local() -> Iterator[CheckMessage]:
    if conf().ENDPOINT != "local":
        return
    if not apps.is_installed("faceauth.local"):
        hint = f"Add 'faceauth.local' to INSTALLED_APPS, or set {named('ENDPOINT')} to aws or a URL."
        yield Error("The recogniser on this machine is not among the apps.", hint=hint, id="faceauth.E016")
        return
    try:
        import faiss  # noqa: F401 - only asked for
    except ModuleNotFoundError:
        hint = "pip install 'django-faceauth[local]'"
        yield Error("The recogniser on this machine is not installed.", hint=hint, id="faceauth.E017")


def check_templates() -> Iterator[CheckMessage]:
    wanted = "django.template.context_processors.request"
    engines: list[dict[str, Any]] = [
        it for it in settings.TEMPLATES if it["BACKEND"] == "django.template.backends.django.DjangoTemplates"
    ]
    if not any(wanted in engine.get("OPTIONS", {}).get("context_processors", ()) for engine in engines):
        hint = f"Add {wanted!r} to the context processors of TEMPLATES."
        yield Error("The pages of faceauth cannot be shown.", hint=hint, id="faceauth.E018")


def check_accounts() -> Iterator[CheckMessage]:
    given = conf()
    if given.FORGET_ACCOUNT not in FORGET_ACCOUNT:
        hint = f"Set {named('FORGET_ACCOUNT')} to one of {', '.join(FORGET_ACCOUNT)}."
        yield Error(f"{given.FORGET_ACCOUNT!r} does not say what is forgotten.", hint=hint, id="faceauth.E019")
    if given.MAKE_USER:
        try:
            import_string(given.MAKE_USER)
        except ImportError as error:
            hint = f"Set {named('MAKE_USER')} to the dotted path of a function that takes a name and makes a user."
            yield Error(f"Nobody can be enrolled: {error}", hint=hint, id="faceauth.E020")
    elif given.ENROLMENT != "closed" and (why := list(make_user.obstacles())):
        hint = f"Set {named('MAKE_USER')} to a function that makes one, or {named('ENROLMENT')} to closed."
        what = f"A stranger's account cannot be made for {get_user_model()._meta.label}: {'; '.join(why)}."
        yield Error(what, hint=hint, id="faceauth.E021")
