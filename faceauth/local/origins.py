"""Which web pages may call: those of this machine, and those that the options name."""

from urllib.parse import urlsplit

from faceauth.local.options import options

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def cross_origin(origin: str) -> dict[str, str]:
    """The CORS headers for a page's origin: pages of this machine, and those that the options name."""
    if not (host_name(origin) in LOOPBACK or origin in options().origins):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "*, Authorization, Content-Type, X-Amz-Target, X-Amz-Date,"
        " X-Amz-Security-Token, X-Amz-Content-Sha256, X-Amz-User-Agent, Amz-Sdk-Invocation-Id, Amz-Sdk-Request",
        "Access-Control-Expose-Headers": "x-amzn-RequestId, x-amzn-ErrorType",
        "Vary": "Origin",
    }


def host_name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
