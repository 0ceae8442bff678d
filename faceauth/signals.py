"""What faceauth tells those who count and measure. No picture, no template and no person is in it.

Of a visit to the door Django tells already: `post_save` of `faceauth.models.Login`.
"""

from django.dispatch import Signal

called = Signal()
"""A call of Rekognition has ended: `operation`, as in "SearchFacesByImage", `seconds` with all its tries, and
`error`, a code of Rekognition's or the name of an exception, "" where there was none."""
