"""Browsers as the server sees them: a cookie, a key, and a session."""

import base64
from dataclasses import dataclass, field
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from faceauth.mfa import trusted_devices
from faceauth.models import Face


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    return text_of(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def signature(key: ec.EllipticCurvePrivateKey, challenge: str) -> str:
    """As Web Cryptography gives it: r and s, 32 bytes each."""
    signed = key.sign(b"faceauth trusted device, version 1\n" + challenge.encode(), ec.ECDSA(SHA256()))
    r, s = decode_dss_signature(signed)
    return text_of(r.to_bytes(32) + s.to_bytes(32))


@dataclass
class Browser:
    """One browser, over HTTPS. Its session goes when it is closed; the cookie and the key stay."""

    cookies: dict[str, str] = field(default_factory=dict)
    key: ec.EllipticCurvePrivateKey | None = None
    session: SessionStore = field(default_factory=SessionStore)

    def request(self, secure: bool = True) -> HttpRequest:
        request = RequestFactory().get("/login/", secure=secure)
        request.COOKIES = dict(self.cookies)
        request.session = self.session
        return request

    def closed(self) -> "Browser":
        self.session = SessionStore()
        return self

    def copied(self) -> "Browser":
        """What a thief has who copied the cookies: everything but the key, which no script can read."""
        return Browser(dict(self.cookies))

    def trust(self, user: User, name: str = "computer") -> HttpResponse:
        request, made, response = self.request(), None, HttpResponse()
        if self.key is not None:
            asked = trusted_devices.challenge(request)
            made = trusted_devices.new_key(request, public_text(self.key), signature(self.key, asked))
            assert made is not None
        trusted_devices.set_cookie(request, response, trusted_devices.trust(request, user, name, made))
        self.cookies = {name: morsel.value for name, morsel in response.cookies.items()}
        return response

    def prove(self) -> bool:
        assert self.key is not None
        request = self.request()
        return trusted_devices.prove(request, signature(self.key, trusted_devices.challenge(request)))

    def people(self) -> list[User]:
        return [known.user for known in trusted_devices.people_of(self.request())]


def keyed() -> Browser:
    return Browser(key=new_key())


def enrolled(user: User) -> User:
    """Somebody with a face, without which no device knows them."""
    Face.objects.create(user=user, face_id=uuid4(), image_id=uuid4(), collection_id="secretly", person=str(uuid4()))
    return user
