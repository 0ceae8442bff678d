"""What kind of device a User-Agent header names."""

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    pass


# The first word that is found names it; each browser also claims to be those after it.
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox", "CriOS": "Chrome"}
BROWSERS |= {"Chrome": "Chrome", "Safari": "Safari"}


SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "CrOS": "ChromeOS"}
SYSTEMS |= {"Macintosh": "Mac", "Linux": "Linux"}


def describe(user_agent: str) -> str:
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
