"""Consent receipts: what a person agreed to, in the structure of ISO/IEC TS 27560:2023."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from faceauth.conf import conf
from faceauth.models import Consent
from faceauth.privacy.record import Processing, of_faceauth, processors

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SCHEMA = "ISO/IEC TS 27560:2023"
CONTROLLER = "controller"
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
        "receipt_id": f"receipt-{consent.pk}",
        "record_id": f"consent-{consent.pk}",
        "pii_principal_id": str(consent.user_id),
        "pii_processing": {
            "privacy_notice": consent.text,
            "language": consent.language or "und",  # undetermined, by RFC 5646
            "purposes": [purpose(one) for one in of_faceauth() if one.name in PURPOSES],
        },
        "party_identification": parties(),
        "events": events(consent),
    }


def purpose(one: Processing) -> dict[str, Any]:
    others = processors()
    return {
        "purpose": one.purpose,
        "lawful_basis": one.basis,
        "pii_information": [
            {
                "pii_type": one.data,
                "pii_optional": False,
                "sensitive_pii_category": True,
                "special_pii_category": True,  # biometric data: GDPR, Art. 9
            }
        ],
        "pii_controllers": [CONTROLLER],
        "collection_method": "by the person: a camera, or a photo that is uploaded",
        "processing_method": "compared by a program with the enrolled faces",
        "storage_locations": [at for _, _, at in others] or ["the site's own machine"],
        "retention_period": one.kept,
        "recipient_third_parties": [f"processor-{number}" for number, _ in enumerate(others, 1)],
        "withdrawal_method": "“Remove my face” or “Forget me” on the account's pages",
        "privacy_rights": ["access and export", "withdrawal", "erasure", "complaint to the supervisory authority"],
    }


def parties() -> list[dict[str, str]]:
    name = conf().CONTROLLER or conf().SITE_NAME
    controller = {"party_id": CONTROLLER, "party_role": "pii_controller", "party_name": name}
    return [
        controller,
        *(
            {"party_id": f"processor-{number}", "party_role": "pii_processor", "party_name": name, "party_address": at}
            for number, (name, _, at) in enumerate(processors(), 1)
        ),
    ]


def events(consent: Consent) -> list[dict[str, Any]]:
    times = {"consent_given": consent.given, "consent_withdrawn": consent.withdrawn}
    by = {"entity_id": str(consent.user_id), "event_type": "explicit"}
    return [by | {"event_time": time, "event_state": state} for state, time in times.items() if time is not None]
