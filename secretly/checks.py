"""What `manage.py check --deploy` warns of, each with its cure."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Behind a proxy that is not named, all visitors share one address and its rate limits."""
    if not settings.HTTPS or settings.TRUSTED_PROXIES:
        return []
    hint = "Set SECRETLY_TRUSTED_PROXIES to its address, such as 127.0.0.1, or to unix."
    return [Warning("SECRETLY_HTTPS is on, and the proxy that ends it is not named.", hint=hint, id="secretly.W001")]


@register(Tags.security, deploy=True)
def check_keys(**kwargs: Any) -> list[CheckMessage]:
    """A second host would make keys of its own and could read nothing; a lost disk would lose the shared data."""
    if not settings.KEYS_IN_HOME or settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return []
    files = " and ".join(settings.KEYS_IN_HOME.values())
    hint = f"Copy {files} from SECRETLY_HOME into {' and '.join(settings.KEYS_IN_HOME)}, on every host, and back it up."
    return [Warning(f"The database is shared, but {files} exists on this host alone.", hint=hint, id="secretly.W002")]
