"""How sign-in works and what is kept, for anybody to read before any camera. A site overrides the text."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from faceauth.conf import conf


@require_safe
def how_it_works_view(request: HttpRequest) -> HttpResponse:
    """One page of text, which follows the settings of this site."""
    context = {
        "endpoint": conf().ENDPOINT,
        "photos": conf().PHOTOS,
        "photo_days": conf().PHOTO_ENROLMENT_DAYS,
        "device_days": conf().TRUSTED_DEVICE_DAYS,
    }
    return render(request, "faceauth/how_it_works.html", context)
