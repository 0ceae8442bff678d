"""Who came to the door, and which sessions it opened."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from faceauth.models import Login

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Sessions end after minutes of silence, so the newest visits are all that can still be open.
MOST_SESSIONS = 100

# The first word that is found names it; each browser also claims to be those after it.
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox", "CriOS": "Chrome"}
BROWSERS |= {"Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "CrOS": "ChromeOS"}
SYSTEMS |= {"Macintosh": "Mac", "Linux": "Linux"}


def device(user_agent: str) -> str:
    """What kind of device a User-Agent header claims to be: "telephone, Firefox, Android"."""
    if not user_agent:
        return str(_("unknown device"))
    system = next((name for word, name in SYSTEMS.items() if word in user_agent), "")
    browser = next((name for word, name in BROWSERS.items() if word in user_agent), "")
    if system == "iPad" or (system == "Android" and "Mobile" not in user_agent):
        kind = str(_("tablet"))
    elif re.search(r"Mobile|iPhone|Android", user_agent):
        kind = str(_("telephone"))
    else:
        kind = str(_("computer")) if system else str(_("program"))
    return gettext(", ").join(filter(None, (kind, browser, system)))


def store(key: str | None = None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def open_sessions(user: "User") -> Iterator[Login]:
    """The visits whose session is still open, the newest first."""
    visits = Login.objects.filter(user_id=user.pk).exclude(session_key="")
    for visit in visits[:MOST_SESSIONS]:
        if store(visit.session_key).load().get(SESSION_KEY) == str(user.pk):
            yield visit


def end_session(visit: Login) -> None:
    store().delete(visit.session_key)
    Login.objects.filter(pk=visit.pk).update(session_key="")


def end_sessions(user: "User", besides: str | None = None) -> int:
    """End all sessions of the user, but for the one with the key `besides`; how many were open."""
    ended = [visit for visit in open_sessions(user) if visit.session_key != besides]
    for visit in ended:
        end_session(visit)
    return len(ended)
