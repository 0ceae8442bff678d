"""The words of the package. The source says "notebook" and "notes", as this site does; any other site has accounts.

The words are changed in the package's own copy of the source, for a site may use no translations, or ones that the
package does not have: then gettext shows what the source says.
"""

import ast
import json
import re

# Sentences that need more than another word.
SENTENCES = {
    "Look at me, and your notes open.": "Look at me to sign in.",
    "Open my notes": "Sign in",
    "Back to the notebook": "Back",
    "We have not met, and this notebook takes no new people.": "We have not met, and this site takes no new people.",
    "Counts only; notes are never read.": "Counts only.",
    "Keep my notes": "Keep my account",
    "Your face, all your notes and your notebook are deleted. Nobody can bring them back.": (
        "Your face and your account are deleted. Nobody can bring them back."
    ),
    "Deletes your face, all your notes and your notebook. This cannot be undone.": (
        "Deletes your face and your account. This cannot be undone."
    ),
    "A copy cannot be called back. If it was not you, change the passwords that stand in your notes.": (
        "A copy cannot be called back. If it was not you, change your passwords."
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


def python(source: str) -> str:
    """A module whose sentences are said in neutral words. Docstrings, comments and parts of f-strings stay."""
    lines = source.encode().splitlines(keepends=True)
    tree = ast.parse(source)
    left = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    left |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in left]
    for node in sorted(found, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if not isinstance(node.value, str) or neutral(node.value) == node.value:
            continue
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        begin, end = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        lines[first : last + 1] = [begin + json.dumps(neutral(node.value), ensure_ascii=False).encode() + end]
    return b"".join(lines).decode()


TRANSLATED = re.compile(
    r"""(\{% translate (["']))(.*?)(?=\2)|(\{% blocktranslate[^%]*%\})(.*?)(?=\{% endblocktranslate %\})""", re.DOTALL
)


def template(source: str) -> str:
    """A template whose sentences are said in neutral words."""

    def said(found: re.Match[str]) -> str:
        if found[1]:
            return found[1] + neutral(found[3])
        forms = re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", found[5]).split("{% plural %}")
        return found[4] + re.sub(r"%\((\w+)\)s", r"{{ \1 }}", "{% plural %}".join(map(neutral, forms)))

    return TRANSLATED.sub(said, source)


def arabic(catalogue: str) -> str:
    """The Arabic catalogue of the neutral sentences. Where two become one, the one that was neutral before stays."""
    head, *entries = catalogue.split("\n\n")
    same = [entry for entry in entries if renamed(entry) == entry]
    known = {identity(entry) for entry in same}
    others = {identity(entry): entry for entry in map(renamed, entries) if identity(entry) not in known}
    text = "\n\n".join([head, *same, *others.values()])
    for word, other in ARABIC:
        text = text.replace(word, other)
    return text.rstrip() + "\n"


def renamed(entry: str) -> str:
    """An entry of a catalogue, for the sentence in neutral words."""
    return re.sub(r'^(msgid(?:_plural)?) ("(?:.*)"(?:\n".*")*)$', in_neutral_words, entry, flags=re.MULTILINE)


def in_neutral_words(found: re.Match[str]) -> str:
    text = "".join(line[1:-1] for line in found[2].split("\n"))
    return found[0] if neutral(text) == text else f'{found[1]} "{neutral(text)}"'


def identity(entry: str) -> str:
    """What gettext knows an entry by."""
    return "".join(re.findall(r'"(.*)"', entry.partition("\nmsgstr")[0].partition("\nmsgid_plural")[0]))
