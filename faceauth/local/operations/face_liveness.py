"""CreateFaceLivenessSession and GetFaceLivenessSessionResults; `faceauth.local.face_liveness` has the check."""

import base64
from time import time
from typing import Any

from faceauth.local import face_liveness
from faceauth.local.errors import Code, Refused, invalid_parameter
from faceauth.local.face_liveness import Session
from faceauth.local.operations.collections import Answer
from faceauth.local.options import options
from faceauth.local.pictures import bounding_box, decode, faces_in
from faceauth.local.service_model import Parameters

CHALLENGE = {"Type": "FaceMovementChallenge", "Version": "1.0.0"}

# What is left of 100 per cent by the upper end of the share of recordings that passed: docs/liveness.md. The check says
# yes or no, and a finer scale would be invented.
LIVE, NOT_LIVE = 98.6, 0.0


def create_face_liveness_session(parameters: Parameters) -> Answer:
    """KmsKeyId changes nothing: what AWS encrypts with it is stored nowhere here."""
    if not options().face_liveness:
        raise Refused(
            Code.NOT_IMPLEMENTED,
            "Face Liveness needs rekognition_local with one worker, because its sessions are in memory alone.",
        )
    settings = parameters.get("Settings", {})
    if "OutputConfig" in settings:
        raise invalid_parameter("This service stores no pictures, so there is no OutputConfig; the results have them.")
    wanted = settings.get("ChallengePreferences", [])
    if wanted and not any(map(fits, wanted)):
        raise invalid_parameter(f"The one challenge here is {CHALLENGE['Type']} {CHALLENGE['Version']}.")
    session = face_liveness.create(parameters.get("ClientRequestToken"), settings.get("AuditImagesLimit", 0))
    return {"SessionId": session.id}


def fits(preference: Parameters) -> bool:
    versions = preference.get("Versions", {})
    least, most = numbers(versions.get("Minimum", "0.0.0")), numbers(versions.get("Maximum", "999.0.0"))
    return preference["Type"] == CHALLENGE["Type"] and least <= numbers(CHALLENGE["Version"]) <= most


def numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def get_face_liveness_session_results(parameters: Parameters) -> Answer:
    session = face_liveness.find(parameters["SessionId"])
    status = session.status(time())
    answer = {"SessionId": session.id, "Status": status, "Challenge": CHALLENGE}
    return answer | confidence(session) if status == "SUCCEEDED" else answer


def confidence(session: Session) -> dict[str, Any]:
    state = session.state
    if state is None or not state.passed:
        return {"Confidence": NOT_LIVE, "Feedback": [], "AuditImages": []}
    # The movement is the first of the best; the best frontal frame is the one to compare and to search with.
    reference = state.best[1]
    others = [digest for digest in session.pictures if digest != reference]
    return {
        "Confidence": LIVE,
        "Feedback": [],
        "ReferenceImage": image(session.pictures[reference]),
        "AuditImages": [image(session.pictures[digest]) for digest in others[: session.audit_images]],
    }


def image(jpeg: bytes) -> dict[str, Any]:
    pixels = decode(jpeg)
    boxes = [bounding_box(face, pixels) for face in faces_in(pixels)[:1]]
    return {"Bytes": base64.b64encode(jpeg).decode(), **({"BoundingBox": boxes[0]} if boxes else {})}
