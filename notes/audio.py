"""Sound on notes: what a file's own bytes say it is. What says nothing of the kind is never played."""

import re

KINDS_IN_MP4 = re.compile(rb"hdlr.{8}(soun|vide)", re.DOTALL)
"""The handlers of an MP4's tracks (ISO/IEC 14496-12, 8.4.3)."""
HEAD = 4096  # bytes in which a WebM names its tracks


def sniff(data: bytes) -> str | None:
    """The type of a sound that browsers play. None: it is something else, or a film."""
    if data.startswith(b"\x1aE\xdf\xa3"):  # EBML: WebM and Matroska
        head = data[:HEAD]
        return "audio/webm" if b"webm" in head[:64] and b"A_" in head and b"V_" not in head else None
    if data[4:8] == b"ftyp":
        return "audio/mp4" if set(KINDS_IN_MP4.findall(data)) == {b"soun"} else None
    if data.startswith(b"OggS"):
        return "audio/ogg" if any(codec in data[:64] for codec in (b"OpusHead", b"\x01vorbis")) else None
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return "audio/wav"
    if data.startswith(b"fLaC"):
        return "audio/flac"
    layer_three = len(data) > 2 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2 and data[2] & 0xF0 != 0xF0
    return "audio/mpeg" if layer_three or data.startswith(b"ID3") else None
