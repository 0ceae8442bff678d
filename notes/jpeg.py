"""Whether a JPEG is bare: a picture and nothing else, so that it need not be drawn anew and lose a little each time.

Only what is known is let through, as our own encoder writes it. The segments are those of ITU-T T.81, Annex B.
"""

import re

SIZE, SCAN, END = b"\xff\xc0", b"\xff\xda", b"\xff\xd9"
PROFILE = b"\xff\xe2"
KNOWN = {
    b"\xff\xe0": (1, rb"JFIF\0.{7}\0\0"),  # the density, and no thumbnail
    b"\xff\xee": (1, rb"Adobe.{7}"),  # how the colours are coded
    PROFILE: (64, rb"ICC_PROFILE\0...*"),
    b"\xff\xdb": (4, rb".{1,600}"),  # quantisation: the decoder says whether these are tables
    b"\xff\xc4": (8, rb".{1,620}"),  # Huffman's
    SIZE: (1, rb".{9,18}"),  # of a picture that is neither progressive nor has restarts: those have many ends
    SCAN: (1, rb".{6,12}"),
}
"""How often each segment may be there at most, and how it looks."""
MARKER = re.compile(rb"\xff[^\0]", re.DOTALL)
"""What ends a scan, in which a zero follows each 255."""


def is_bare(data: bytes, profile: bytes) -> bool:
    """`profile` is the colour profile that the decoder has found: nothing else may stand in its place."""
    at, found = 2, {marker: list[bytes]() for marker in KNOWN}  # after the two bytes of its start
    while not found[SCAN]:
        marker, end = data[at : at + 2], at + 2 + int.from_bytes(data[at + 2 : at + 4])
        content = data[at + 4 : end]
        most, pattern = KNOWN.get(marker, (0, b""))
        if not most or len(found[marker]) == most or not re.fullmatch(pattern, content, re.DOTALL):
            return False
        found[marker].append(content)
        at = end
    after = MARKER.search(data, at)
    ends = after is not None and data[after.start() :] == END
    return ends and is_one_scan(found) and b"".join(part[14:] for part in found[PROFILE]) == profile


def is_one_scan(found: dict[bytes, list[bytes]]) -> bool:
    """Whether all colours are in the one scan. Where others could follow, nothing would tell where this one ends."""
    return [size[5] for size in found[SIZE]] == [scan[0] for scan in found[SCAN]]
