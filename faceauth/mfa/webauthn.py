"""Passkeys (WebAuthn): what the browser is asked, and whether its answer holds.

The protocol and the cryptography are the library's. A passkey belongs to the name under which the site was opened (the
"relying party"), which Django has checked against ALLOWED_HOSTS: a site that moves to another name loses them.
"""

import hashlib
import json
import logging
from typing import TYPE_CHECKING

import webauthn
from django.core.exceptions import BadRequest
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import gettext as _
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from faceauth.models import Passkey

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

# In the session: what the browser was last asked to sign. An answer uses it up.
CHALLENGE = "faceauth.passkey"

TIMEOUT = 120_000  # milliseconds: time to find the telephone
LONGEST_ANSWER = 64 * 1024  # characters; an answer with a long attestation has some thousands

# What the library makes of an answer that does not hold; of one that is not even an answer, what Python makes of it.
REFUSED = (WebAuthnException, ValueError, KeyError, TypeError, RecursionError)

PREFERRED = UserVerificationRequirement.PREFERRED  # the face has shown who it is; the passkey shows what they have


def host(request: HttpRequest) -> str:
    """The relying party's id: the name in the address bar, without a port."""
    name, _port = split_domain_port(request.get_host())
    return name


def origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def usable(request: HttpRequest, user: "User") -> QuerySet[Passkey]:
    """The passkeys that answer under this name, the one that was used last before the others."""
    passkeys: QuerySet[Passkey] = Passkey.objects.filter(user_id=user.pk, host=host(request))
    return passkeys.order_by("-last_used_at", "-pk")


def descriptors(request: HttpRequest, user: "User") -> list[PublicKeyCredentialDescriptor]:
    known = {transport.value for transport in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey.credential_id),
            transports=[AuthenticatorTransport(name) for name in passkey.transports if name in known],
        )
        for passkey in usable(request, user)
    ]


def handle(user: "User") -> bytes:
    """By what an authenticator tells this person's passkeys from another's. It says nothing about whom."""
    return hashlib.sha256(f"passkeys of {user.pk} {user.get_username()}".encode()).digest()


# Make one -------------------------------------------------------------------------------------------------------------


def making_options(request: HttpRequest, user: "User") -> str:
    """What the browser needs to make a passkey, as JSON (PublicKeyCredentialCreationOptionsJSON)."""
    options = webauthn.generate_registration_options(
        rp_id=host(request),
        rp_name="Secretly",
        user_id=handle(user),
        user_name=_("My notebook"),
        timeout=TIMEOUT,
        exclude_credentials=descriptors(request, user),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=PREFERRED
        ),
    )
    request.session[CHALLENGE] = bytes_to_base64url(options.challenge)
    return webauthn.options_to_json(options)


def make(request: HttpRequest, user: "User", answer: str, name: str) -> Passkey | None:
    """Keep the public key that the browser made; None where its answer does not hold."""
    challenge = taken_challenge(request, answer)
    if challenge is None:
        return None
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=host(request),
            expected_origin=origin(request),
        )
    except REFUSED as error:
        logger.info("A new passkey was refused: %r", error)
        return None
    try:
        with transaction.atomic():
            made: Passkey = Passkey.objects.create(
                user=user,
                name=name,
                credential_id=bytes_to_base64url(verified.credential_id),
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
                transports=transports_in(answer),
                host=host(request),
            )
            return made
    except IntegrityError:  # it is somebody's already (WebAuthn Level 3, 7.1, step 26)
        return None


def transports_in(answer: str) -> list[str]:
    """How the browser says that the passkey can be reached; a hint that it is given back later."""
    given = json.loads(answer)["response"].get("transports")
    known = {transport.value for transport in AuthenticatorTransport}
    return [name for name in given if name in known] if isinstance(given, list) else []


# Use one --------------------------------------------------------------------------------------------------------------


def asking_options(request: HttpRequest, user: "User") -> str:
    """What the browser needs to use one of the person's passkeys, as JSON; empty where none answers under this name."""
    allowed = descriptors(request, user)
    if not allowed:
        return ""
    options = webauthn.generate_authentication_options(
        rp_id=host(request), timeout=TIMEOUT, allow_credentials=allowed, user_verification=PREFERRED
    )
    request.session[CHALLENGE] = bytes_to_base64url(options.challenge)
    return webauthn.options_to_json(options)


@transaction.atomic
def opens(request: HttpRequest, user: "User", answer: str) -> bool:
    """Whether one of the person's passkeys has signed what was asked."""
    challenge = taken_challenge(request, answer)
    if challenge is None:
        return False
    try:
        credential = parse_authentication_credential_json(answer)
        passkey = usable(request, user).select_for_update().filter(credential_id=credential.id).first()
        if passkey is None:
            return False
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=host(request),
            expected_origin=origin(request),
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,  # a cloned key is one whose count goes back
        )
    except REFUSED as error:
        logger.info("A passkey was refused: %r", error)
        return False
    passkey.sign_count = verified.new_sign_count
    passkey.set_last_used_timestamp()
    return True


def taken_challenge(request: HttpRequest, answer: str) -> bytes | None:
    """What was asked, which can be answered once."""
    challenge = request.session.pop(CHALLENGE, None)
    if len(answer) > LONGEST_ANSWER:
        raise BadRequest("No passkey answers at such length.")
    return base64url_to_bytes(challenge) if challenge else None
