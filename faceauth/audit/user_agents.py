"""The kind of device that a User-Agent header names."""

import re

from django.utils.translation import gettext as _

# The first word found gives the name: browsers also claim to be those further down.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Macintosh": "Mac",
    "Linux": "Linux",
}


def describe(user_agent: str) -> str:
    """The device that a User-Agent header claims to be, such as "phone, Firefox, Android"."""
    if not user_agent:
        return _("unknown device")
    system = next((name for word, name in SYSTEMS.items() if word in user_agent), "")
    browser = next((name for word, name in BROWSERS.items() if word in user_agent), "")
    if system == "iPad" or (system == "Android" and "Mobile" not in user_agent):
        kind = _("tablet")
    elif re.search(r"Mobile|iPhone|Android", user_agent):
        kind = _("phone")
    else:
        kind = _("computer") if system else _("program")
    return _(", ").join(filter(None, (kind, browser, system)))
