"""What `rekognition_collection describe` says about accuracy and capacity."""

from faceauth.conf import conf
from faceauth.policy import false_matches, thresholds
from faceauth.policy.capacity import Capacity


def accuracy_rows(outlook: thresholds.Outlook, capacity: Capacity) -> dict[str, str]:
    then = ", who are refused" if capacity.shut_out else ", so enrolment is closed" if capacity.full else ""
    photo, liveness = people_text(outlook.photo_mfa_from), people_text(outlook.liveness_mfa_from)
    return {
        "people": f"{outlook.people:,}, enrolled on {outlook.occasions:,} occasions",
        "threshold": str(conf().THRESHOLD) + ("" if outlook.is_measured else ", on a scale that was not measured here"),
        "odds_at_most": false_matches.as_words(outlook.limit),
        "photo": requirement_text(outlook.photo),
        "liveness": requirement_text(outlook.liveness),
        "several_frames": people_text(outlook.frames_from),
        "second_factor": f"photo: {photo}; liveness check: {liveness}",
        "without_one": f"{capacity.without_mfa:,} people{then}",
    }


def requirement_text(needed: thresholds.Requirement) -> str:
    frames = "" if needed.frames == 1 else f", mean of {needed.frames} frames"
    mfa = " before the second factor, which is required" if needed.lock else ""
    odds = false_matches.as_words(needed.odds)
    return f"similarity {needed.threshold:.2f}{frames}; a stranger signs in with {odds}{mfa}"


def people_text(people: int | None) -> str:
    return f"required with {people:,} or more people" if people else "never required"
