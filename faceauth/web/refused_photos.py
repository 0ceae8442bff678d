"""A photo that was chosen and refused stays in sight, with what is wrong with it in words for a photo."""

import base64
from dataclasses import replace

from django.views.decorators.debug import sensitive_variables

from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Recognition, Refusal, photo_sentence
from faceauth.web.http import Result
from faceauth.web.uploads import Pictures


@sensitive_variables()
def shown_again(pictures: Pictures, heard: Recognition) -> str:
    """The chosen photo as a data URL, for whoever has just sent it; "" where it was not refused, or cannot be shown."""
    if heard.outcome != Outcome.REFUSED or pictures.method != SignIn.Method.FILE:
        return ""
    if isinstance(pictures.photos, Refusal):
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(pictures.photos[0].jpeg).decode()


@sensitive_variables("photo")
def explained(result: Result, method: str, photo: str) -> Result:
    """A refusal of a chosen photo with its own words, and with the photo that `shown_again` gave."""
    if result.outcome != Outcome.REFUSED or result.reason is None or method != SignIn.Method.FILE:
        return result
    message = result.message or photo_sentence(result.reason)
    return replace(result, message=message, context=result.context | {"refused_photo": photo})
