"""Text in a code of former times: which code is the likeliest."""

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from charset_normalizer import from_bytes

NAMES = ("cp932", "cp866", "euc_kr", "gb2312", "cp1251", "cp1252", "cp850")
"""What programs write into a ZIP that does not say UTF-8: Japan, Russia, Korea, China, Windows, DOS of the West."""
TEXTS = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp866",
    "koi8_r",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "euc_kr",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp874",
]
EAST = {"HIRAGANA", "KATAKANA", "CJK", "FULLWIDTH", "IDEOGRAPHIC"}
"""Of one word, as in Japanese. Hangul stands beside none of them."""
SAMPLE = 20_000  # characters that are judged


def decode_names(raw: Iterable[bytes]) -> list[str]:
    """File names of one archive: each as UTF-8 where it is valid, the others by the code that suits them all."""
    names = list(raw)
    odd = b"\n".join(name for name in names if not is_utf8(name))
    code = likeliest(odd, NAMES) or "cp437"
    return [name.decode() if is_utf8(name) else name.decode(code, "replace") for name in names]


def decode_text(content: bytes) -> tuple[str, str] | None:
    """The text of bytes that are no UTF-8, and its code; None where they are no text in any."""
    found = [match.encoding for match in from_bytes(content[:SAMPLE], cp_isolation=TEXTS)]
    if "cp1250" in found:  # many of the same letters, and a rarer code
        found.insert(found.index("cp1250"), "cp1252")
    code = likeliest(content, [*found, *(one for one in ("cp1252", "cp1251") if one not in found)])
    return (content.decode(code), code) if code else None


def likeliest(content: bytes, codes: Iterable[str]) -> str | None:
    """The code whose text looks the most like words; of equals the first. None where none can be."""
    judged = [(oddness(text), code) for code in codes if (text := decoded(content, code)) is not None]
    return min(judged, key=lambda pair: pair[0])[1] if judged else None


def decoded(content: bytes, code: str) -> str | None:
    try:
        text = content.decode(code)
    except UnicodeDecodeError:
        return None
    controls = any(unicodedata.category(character) in ("Cc", "Cn", "Co") for character in set(text) - set("\t\n\r\f"))
    return None if controls else text


def oddness(text: str) -> int:
    """How often neighbours are found that no word has: two scripts, a symbol in a word, a capital after a small letter.

    A code that is wrong makes such neighbours in nearly every word.
    """
    text = unicodedata.normalize("NFC", text[:SAMPLE])
    scripts = {character: script(character) for character in set(text)}
    odd = sum(kind in ("HALFWIDTH", "BOX", "BLOCK") for kind in map(scripts.__getitem__, text))
    for before, after in pairwise(text):
        kinds = {scripts[before], scripts[after]}
        if before.isascii() and after.isascii():
            continue
        if "" not in kinds:
            odd += len(kinds) > 1 or (before.islower() and after.isupper())
        elif is_symbol(before) or is_symbol(after):
            odd += kinds != {""}
    return odd + sum(3 for character in text if not character.isascii() and is_symbol(character)) // 3


def script(character: str) -> str:
    """The first word of a letter's name, such as LATIN or CYRILLIC; one for what Japanese mixes; empty for none."""
    kind = unicodedata.name(character, "").partition(" ")[0]
    if kind in ("BOX", "BLOCK", "HALFWIDTH"):
        return kind
    return "EAST" if kind in EAST else (kind if character.isalpha() else "")


def is_symbol(character: str) -> bool:
    """Whether it stands in no word and beside none, such as a currency or a fraction."""
    return (
        not character.isascii()
        and unicodedata.category(character) in ("So", "Sm", "Sc", "Sk", "No", "Lm", "Po", "Lo")
        and (script(character) in ("", "FEMININE", "MASCULINE"))
    )


def is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
