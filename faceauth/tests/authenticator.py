"""A passkey's device in Python: what a browser and an authenticator answer to the options of a page."""

import hashlib
import json
import os
import re
from html import unescape
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

USER_PRESENT, USER_VERIFIED, KEY_INCLUDED = 0x01, 0x04, 0x40


class Authenticator:
    """One private key (ES256). `origin` is where its browser believes to be."""

    def __init__(self, origin: str = "http://testserver") -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.count = 0

    def make(self, options: str) -> str:
        """The answer to `navigator.credentials.create`."""
        given = json.loads(options)
        numbers = self.key.public_key().public_numbers()
        public_key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public_key)
        data = self.data(given["rp"]["id"], KEY_INCLUDED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self.client_data("webauthn.create", given["challenge"])
        return self.credential(clientDataJSON=client_data, attestationObject=statement, transports=["internal"])

    def use(self, options: str) -> str:
        """The answer to `navigator.credentials.get`, whether the options ask for this key or not."""
        given = json.loads(options)
        self.count += 1
        data = self.data(given["rpId"])
        client_data = self.client_data("webauthn.get", given["challenge"])
        signed = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self.credential(clientDataJSON=client_data, authenticatorData=data, signature=signed)

    def data(self, rp_id: str, more: int = 0) -> bytes:
        flags = USER_PRESENT | USER_VERIFIED | more
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def credential(self, **response: Any) -> str:
        text = {name: bytes_to_base64url(it) if isinstance(it, bytes) else it for name, it in response.items()}
        own = bytes_to_base64url(self.id)
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": text})


def options_in(page: Any) -> str:
    """What a page asks the browser for."""
    found = re.search(r'data-options="([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return unescape(found[1])


def another_challenge(options: str) -> str:
    given = json.loads(options)
    given["challenge"] = bytes_to_base64url(os.urandom(len(base64url_to_bytes(given["challenge"]))))
    return json.dumps(given)
