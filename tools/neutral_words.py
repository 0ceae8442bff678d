"""The words of the package. The source says "notebook" and "notes", as this site does; any other site has accounts.

Catalogues for gettext are text, so the words are changed there: English gets a catalogue, and Arabic other words.
"""

import re

# Sentences that need more than another word.
SENTENCES = {
    "Look at me, and your notes open.": "Look at me to sign in.",
    "Open my notes": "Sign in",
    "Back to the notebook": "Back",
    "We have not met, and this notebook takes no new people.": "We have not met, and this site takes no new people.",
    "Counts only; notes are never read.": "Counts only.",
    "Keep my notes": "Keep my account",
    "I delete your face, all your notes and your notebook. Nobody can bring them back.": (
        "Your face and your account are deleted. Nobody can bring them back."
    ),
    "Your notes, your notebook and your sessions were deleted on %(at)s UTC.": (
        "What was stored about your face was deleted on %(at)s UTC."
    ),
    "Their faces, notes and everything else stored about them are deleted. This cannot be undone.": (
        "Their faces and everything else stored about them are deleted. This cannot be undone."
    ),
    "I will know you from now on. Here is a blank page.": "I will know you from now on.",
    "You are forgotten. Goodbye.": "It is done. Goodbye.",
}
ENGLISH = (
    (r"\bNotebook", "Account"),
    (r"\bnotebook", "account"),
    (r"\ball your notes\b", "everything stored about you"),
    (r"\byour notes\b", "your data"),
    (r"\bnotes\b", "data"),
    (r"\ba account\b", "an account"),
)
ARABIC = (
    ("دفاتر", "حسابات"),
    ("دفتر", "حساب"),
    ("ملاحظات", "بيانات"),
)


def neutral(text: str) -> str:
    """The English text in neutral words."""
    if text in SENTENCES:
        return SENTENCES[text]
    for pattern, word in ENGLISH:
        text = re.sub(pattern, word, text)
    return text


def english(catalogue: str) -> str:
    """A catalogue of makemessages whose entries are said in neutral words; entries that need none stay empty."""
    head, *entries = catalogue.split("\n\n")
    return "\n\n".join([head, *(filled(entry) for entry in entries)])


def filled(entry: str) -> str:
    lines = [line for line in entry.strip().split("\n") if not line.startswith("#") or line.startswith("#,")]
    texts: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if found := re.match(r"(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?) (\".*)", line):
            name = found[1]
            texts[name] = [found[2]]
        elif line.startswith('"') and name:
            texts[name].append(line)
    said = {"msgid": joined(texts.get("msgid", [])), "msgid_plural": joined(texts.get("msgid_plural", []))}
    if all(neutral(text) == text for text in said.values()):
        return entry
    kept = [line for line in lines if line.startswith("#,")]
    kept += [f"{part} {quoted(said[part])}" for part in ("msgid", "msgid_plural") if part in texts]
    if "msgid_plural" in texts:
        pairs = ((0, "msgid"), (1, "msgid_plural"))
        return "\n".join([*kept, *(f"msgstr[{form}] {quoted(neutral(said[part]))}" for form, part in pairs)])
    return "\n".join([*kept, f"msgstr {quoted(neutral(said['msgid']))}"])


def joined(lines: list[str]) -> str:
    """The text of a string in a catalogue, still escaped."""
    return "".join(line[1:-1] for line in lines)


def quoted(text: str) -> str:
    return f'"{text}"'


def arabic(catalogue: str) -> str:
    """The Arabic catalogue with other words in its translations."""
    for word, other in ARABIC:
        catalogue = catalogue.replace(word, other)
    return catalogue
