"""A GIF without what it tells, and with every one of its frames as it was: only blocks are left out.

The blocks are those of the GIF89a specification (CompuServe, 1990).
"""

HEAD = 13  # bytes: the signature, and how large the screen is
EXTENSION, IMAGE, END = b"\x21", b"\x2c", b"\x3b"
CONTROL, APPLICATION = b"\xf9", b"\xff"
KEPT = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
"""The applications' own blocks that change how it looks: how often it is repeated, and the colour profile."""


def clean(data: bytes) -> bytes:
    """Raises ValueError where it is cut off or broken."""
    source = Source(data)
    kept = [source.take(HEAD)]
    kept.append(source.take(colours(kept[0][10])))
    while (kind := source.take(1)) != END:
        if kind == EXTENSION:
            label, content = source.take(1), source.blocks()
            if label == CONTROL or (label == APPLICATION and content[1:12] in KEPT):
                kept += [kind, label, content]
        elif kind == IMAGE:
            place = source.take(9)
            kept += [kind, place, source.take(colours(place[8])), source.take(1), source.blocks()]
        else:
            raise ValueError("This is no block of a GIF.")
    return b"".join([*kept, END])


def colours(flags: int) -> int:
    """How many bytes the table of colours has that these flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


class Source:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) < count:
            raise ValueError("This GIF is cut off.")
        self.at += count
        return taken

    def blocks(self) -> bytes:
        """A chain of blocks, each of which begins with its length; the last has none."""
        start = self.at
        while length := self.take(1)[0]:
            self.take(length)
        return self.data[start : self.at]
