"""What faceauth tells those who count and measure. No picture, no template and no person is in it.

Each attempt is a row: `post_save` of `faceauth.models.SignIn` tells of it.
"""

from django.dispatch import Signal

called = Signal()
"""A call of Rekognition has ended: `operation`, as in "SearchFacesByImage", `seconds` with all its tries, and
`error`, a code of Rekognition's or the name of an exception, "" where there was none."""
