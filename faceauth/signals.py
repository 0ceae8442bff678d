"""What faceauth tells the rest of the site. No picture, no template, and no request, which would bring both.

Receivers run in the request, after the commit where something was written: one that is slow keeps a person waiting.
Each attempt is a row: `post_save` of `faceauth.models.SignIn` tells of it.
"""

from django.dispatch import Signal

recognised = Signal()
"""A face has opened a session, after the second factor where there is one: `user`, and `method`, a `SignIn.Method`."""

enrolled = Signal()
"""A face was enrolled: `user`, and `new`, whether their account was made for it."""

forgotten = Signal()
"""Somebody's face is withdrawn, or they are forgotten: `user_pk`, the primary key as text, and `account_deleted`."""

refused = Signal()
"""An attempt was refused: `reason`, a `Reason`, and `method`. Not who it was like: that is for the sign-in log.

A sign-in that waits for its second factor is among them, with the reason `mfa_required`."""

called = Signal()
"""A call of Rekognition has ended: `operation`, as in "SearchFacesByImage", `seconds` with all its tries, and
`error`, a code of Rekognition's or the name of an exception, "" where there was none."""
