"""Passkeys (WebAuthn): options for the browser, and the checks of its answers.

Protocol and cryptography are py_webauthn's. A passkey belongs to the host name of the site (the "relying party"), which
Django has checked against ALLOWED_HOSTS: passkeys do not survive a move to another name.
"""

from __future__ import annotations

import hashlib
import json
import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING

from django.core.exceptions import BadRequest
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import gettext as _

from faceauth.conf import conf
from faceauth.models import Passkey, PhotoLogin

AVAILABLE = find_spec("webauthn") is not None
"""Whether the extra "mfa" is installed. Without it there are no passkeys: none is offered, and none is accepted."""

if TYPE_CHECKING or AVAILABLE:
    import webauthn
    from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        AuthenticatorTransport,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    # What the library raises for a wrong answer, and Python for one that is malformed.
    REFUSED = (WebAuthnException, ValueError, KeyError, TypeError, RecursionError)
    PREFERRED = UserVerificationRequirement.PREFERRED  # the face says who it is; the passkey proves possession

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

# Session key of the last challenge. An answer uses it up.
CHALLENGE = "faceauth.passkey"

TIMEOUT = 120_000  # milliseconds: time to find the phone
LONGEST_ANSWER = 64 * 1024  # characters; an answer with a long attestation has a few thousand


def host(request: HttpRequest) -> str:
    """The relying party's id: the host name in the address bar, without the port."""
    name, _port = split_domain_port(request.get_host())
    return name


def origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def usable(request: HttpRequest, user: User) -> QuerySet[Passkey]:
    """The user's passkeys for this host name, the last used first."""
    passkeys: QuerySet[Passkey] = Passkey.objects.filter(user_id=user.pk, host=host(request))
    return passkeys.order_by("-last_used_at", "-pk")


def descriptors(request: HttpRequest, user: User) -> list[PublicKeyCredentialDescriptor]:
    known = {transport.value for transport in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey.credential_id),
            transports=[AuthenticatorTransport(name) for name in passkey.transports if name in known],
        )
        for passkey in usable(request, user)
    ]


def handle(user: User) -> bytes:
    """The user handle, by which an authenticator tells people apart. It does not reveal who they are."""
    return hashlib.sha256(f"passkeys of {user.pk} {user.get_username()}".encode()).digest()


# Registration ---------------------------------------------------------------------------------------------------------


def making_options(request: HttpRequest, user: User) -> str:
    """The browser's options for a new passkey, as PublicKeyCredentialCreationOptionsJSON; empty without the extra."""
    if not AVAILABLE:
        return ""
    options = webauthn.generate_registration_options(
        rp_id=host(request),
        rp_name=conf().SITE_NAME or host(request),
        user_id=handle(user),
        user_name=_("My account"),
        timeout=TIMEOUT,
        exclude_credentials=descriptors(request, user),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=PREFERRED
        ),
    )
    request.session[CHALLENGE] = bytes_to_base64url(options.challenge)
    return webauthn.options_to_json(options)


def make(request: HttpRequest, user: User, answer: str, name: str) -> Passkey | None:
    """Store the public key that the browser sent; None if its answer is not valid."""
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
            PhotoLogin.note(user.pk, has_mfa=True)
            return made
    except IntegrityError:  # registered already (WebAuthn Level 3, 7.1, step 26)
        return None


def transports_in(answer: str) -> list[str]:
    """How the authenticator can be reached: hints that the browser gets back later."""
    given = json.loads(answer)["response"].get("transports")
    known = {transport.value for transport in AuthenticatorTransport}
    return [name for name in given if name in known] if isinstance(given, list) else []


# Authentication -------------------------------------------------------------------------------------------------------


def asking_options(request: HttpRequest, user: User) -> str:
    """The browser's options to use one of the user's passkeys, as JSON; empty if none belongs to this host name."""
    allowed = descriptors(request, user) if AVAILABLE else []
    if not allowed:
        return ""
    options = webauthn.generate_authentication_options(
        rp_id=host(request), timeout=TIMEOUT, allow_credentials=allowed, user_verification=PREFERRED
    )
    request.session[CHALLENGE] = bytes_to_base64url(options.challenge)
    return webauthn.options_to_json(options)


@transaction.atomic
def opens(request: HttpRequest, user: User, answer: str) -> bool:
    """Whether one of the user's passkeys has signed the challenge."""
    challenge = taken_challenge(request, answer)
    if challenge is None:
        return False
    try:
        credential = parse_authentication_credential_json(answer)
        passkey = usable(request, user).select_for_update().filter(credential_id=credential.id).first()
        if passkey is None or not passkey.is_sealed():
            return False
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=host(request),
            expected_origin=origin(request),
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,  # the count of a cloned key goes back
        )
    except REFUSED as error:
        logger.info("A passkey was refused: %r", error)
        return False
    passkey.sign_count = verified.new_sign_count
    passkey.set_last_used_timestamp()
    return True


def taken_challenge(request: HttpRequest, answer: str) -> bytes | None:
    """The challenge, which can be answered once."""
    challenge = request.session.pop(CHALLENGE, None) if AVAILABLE else None
    if len(answer) > LONGEST_ANSWER:
        raise BadRequest("The passkey answer is too long.")
    return base64url_to_bytes(challenge) if challenge else None
