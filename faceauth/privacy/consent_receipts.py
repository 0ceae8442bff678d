"""Consent receipts: what a person agreed to, in the structure of ISO/IEC TS 27560:2023."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.utils.translation import get_language

from faceauth.conf import conf
from faceauth.models import Consent
from faceauth.privacy.record import of_faceauth, processors

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SCHEMA = "ISO/IEC TS 27560:2023"
PURPOSES = ("Face templates", "Liveness checks in progress")


def all_people() -> Iterator[dict[str, Any]]:
    for user in get_user_model()._default_manager.filter(consents__isnull=False).distinct().iterator(chunk_size=500):
        yield from of(user)


def of(user: "User") -> Iterator[dict[str, Any]]:
    """One receipt for each consent of the person, as values for JSON."""
    for consent in Consent.objects.filter(user_id=user.pk).order_by("given", "pk"):
        yield receipt(consent)


def receipt(consent: Consent) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA,
        "record_id": f"consent-{consent.pk}",
        "pii_principal_id": str(consent.user_id),
        "pii_processing": {
            "privacy_notice": consent.text,
            "language": get_language() or "en",
            "purposes": [purpose(one) for one in of_faceauth() if one.name in PURPOSES],
        },
        "party_identification": parties(),
        "events": events(consent),
    }


def purpose(one: Any) -> dict[str, Any]:
    return {
        "purpose": one.purpose,
        "lawful_basis": one.basis,
        "pii_information": [{"pii_type": "biometric", "pii_attribute": one.data, "sensitive_pii": True}],
        "storage_conditions": {"retention_period": one.kept},
        "recipients": [name for name, _gets, _where in processors()],
        "withdrawal_method": "“Remove my face” or “Forget me” on the account's pages",
    }


def parties() -> list[dict[str, str]]:
    controller = {"party_role": "pii_controller", "party_name": conf().CONTROLLER or conf().SITE_NAME}
    others = [{"party_role": "pii_processor", "party_name": name, "party_address": at} for name, _, at in processors()]
    return [controller, *others]


def events(consent: Consent) -> list[dict[str, Any]]:
    given = {"event_time": consent.given, "event_type": "explicit", "event_state": "consent_given"}
    if consent.withdrawn is None:
        return [given]
    return [given, {"event_time": consent.withdrawn, "event_type": "explicit", "event_state": "consent_withdrawn"}]
