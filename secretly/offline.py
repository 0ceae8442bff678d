"""Reading the last notes without a connection: which browser may keep a copy of them, and what is in it.

The browser encrypts the copy, under a passphrase that never comes here: `static/notes/copy.js`.
"""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from faceauth.mfa import trusted_devices
from faceauth.web.http import user_of
from notes.models import Note
from notes.responses import OwnerRequest, private

LATEST = 20
"""Notes in the copy: those at the top of the list."""
SALT = "secretly.offline"


@never_cache
@login_required
@require_POST
def switch_on(request: HttpRequest) -> HttpResponse:
    """Show the page that makes the copy. It is a sensitive act: whoever chooses the passphrase can read what comes."""
    user = user_of(request)
    device = trusted_devices.device_of(request, user)
    if device is None:
        messages.error(request, _("Trust this device first, then switch this on."))
        return redirect(f"{resolve_url(settings.SETTINGS_URL)}#devices")
    permission = signing.dumps([str(user.pk), device.pk], salt=SALT)
    return render(request, "offline_copy.html", {"permission": permission, "latest": LATEST})


@never_cache
@private("POST")
def latest(request: OwnerRequest) -> HttpResponse:
    """Give the last notes, their text alone, to a browser that may keep them; "ended" where it may no longer."""
    if not is_permitted(request):
        return JsonResponse({"outcome": "ended"}, status=403)
    notes = Note.objects.of(request.user)[:LATEST]
    shown = [{"text": note.text, "changed": note.changed.isoformat()} for note in notes]
    return JsonResponse({"outcome": "latest", "notes": shown})


def is_permitted(request: OwnerRequest) -> bool:
    """Whether the permission is this person's, and for a device that is this browser and is trusted still."""
    try:
        user, device = signing.loads(request.POST.get("permission", ""), salt=SALT)
    except signing.BadSignature:
        return False
    return user == str(request.user.pk) and trusted_devices.rows_of(request).filter(pk=device, user_id=user).exists()
