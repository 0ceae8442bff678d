"""What other apps share to this one, where no service worker has taken it in."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from notes.forms import Draft
from notes.notebook import notebook_page
from notes.responses import OwnerRequest, page
from privatekit.uploads import Limits, MemoryUploadHandler

OURS = ("none", "same-origin")
"""What browsers say of a request that the person made themselves, or a page of this site (`Sec-Fetch-Site`)."""


@csrf_exempt  # the system's share sheet has no token; the header tells where the request comes from
@require_POST
@sensitive_post_parameters()
def share(request: HttpRequest) -> HttpResponse:
    """Show shared text on a blank page. Files, and what comes while nobody is signed in, are plainly refused."""
    request.upload_handlers = [MemoryUploadHandler(request, Limits())]  # keeps none
    signed_in = request.user.is_authenticated
    ours = request.headers.get("Sec-Fetch-Site") in OURS
    if not (signed_in and ours) or request.FILES:
        return page(request, "notes/not_shared.html", {"locked": not signed_in}, 403)
    text = "\n\n".join(filter(None, (request.POST.get(name, "") for name in ("title", "text", "url"))))
    fault = _("This was shared with Secretly, and is not saved yet.") if text else ""
    return notebook_page(cast(OwnerRequest, request), Draft(text.replace("\0", ""), fault=fault), alone=True)
