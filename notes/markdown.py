"""Markdown into HTML that can do no harm, with check boxes that can be ticked.

Two safeguards: markdown-it passes no HTML through, and nh3 drops whatever is not listed here. Pictures from
elsewhere are not shown: their address would tell a stranger's server when a note is read.
"""

import re
from collections.abc import Sequence
from functools import cache
from html import unescape

import nh3
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

BOX = re.compile(r"\[([ xX])\](?=\s|$)")
BOX_OF_A_LINE = re.compile(r"^((?:[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+)+\[)([ xX])(\](?:\s.*)?)$")
"""A line of a list that begins with a check box: what is before the mark, the mark, and the rest."""

HEADING = re.compile(r"^\s*#{1,6}\s+")
PLAIN = re.compile(r"[^*_`~<>&!\\\[\]]*")
"""No mark of Markdown within a line: most titles, which then cost nothing."""

TAGS = {
    *("p", "br", "hr", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code"),
    *("em", "strong", "s", "a", "table", "thead", "tbody", "tr", "th", "td", "button"),
}
ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # not even a title
    "a": {"href"},
    "ol": {"start"},
    "li": {"class"},
    "button": {"name", "value", "class", "role", "aria-checked", "aria-label"},
}
SCHEMES = {"http", "https", "mailto", "tel"}
DEEPEST = 20  # lists in lists; a page of ">" would otherwise cost seconds


@cache
def parser() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": DEEPEST})
    markdown.enable(["table", "strikethrough"]).disable("image")
    markdown.add_render_rule("heading_open", lower_heading)
    markdown.add_render_rule("heading_close", lower_heading)
    markdown.add_render_rule("tick", render_tick)
    return markdown


def render(text: str, first_line: int = 0) -> SafeString:
    """HTML of `text`, whose first line is line `first_line` of the note: by it a check box knows where it stands."""
    tokens = parser().parse(text)
    find_boxes(tokens, first_line)
    html = parser().renderer.render(tokens, parser().options, {})
    return mark_safe(clean(html))  # noqa: S308 - this is what cleaning is for


def clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        set_tag_attribute_values={"table": {"tabindex": "0"}},  # a wide one scrolls, and a keyboard has to reach it
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def find_boxes(tokens: Sequence[Token], first_line: int) -> None:
    """Make a button of "[ ]" at the start of a list item. A button works in any form, without a script."""
    for item, paragraph, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (item.type, paragraph.type, inline.type) != ("list_item_open", "paragraph_open", "inline"):
            continue
        words = inline.children[0] if inline.children else None
        box = BOX.match(inline.content)  # as it was written: "\\[ ]" is none
        if words is None or box is None or item.map is None or not words.content.startswith(box[0]):
            continue
        item.attrSet("class", "task")
        words.content = words.content[box.end() :]
        label = inline.content[box.end() :].partition("\n")[0].strip()
        inline.children.insert(0, button(item.map[0] + first_line, box[1] != " ", label))  # type: ignore[union-attr]


def button(line: int, ticked: bool, label: str) -> Token:
    attributes: dict[str, str | int | float] = {
        "class": "tick",
        "name": "line",
        "value": line,
        "role": "checkbox",
        "aria-checked": "true" if ticked else "false",
        "aria-label": label or "…",
    }
    return Token("tick", "button", 0, attrs=attributes)


def render_tick(self: RendererProtocol, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return f"<button {self.renderAttrs(tokens[index])}></button>"  # type: ignore[attr-defined]


def lower_heading(
    self: RendererProtocol, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """A note's "#" is a third level: above it are the page's heading and the list's."""
    token = tokens[index]
    level = min(int(token.tag[1]) + 2, 6)
    return f"<{'/' if token.nesting < 0 else ''}h{level}>"


def tick(text: str, line: int) -> str | None:
    """The text with the box of that line ticked, or unticked. None: there is no box."""
    lines = text.split("\n")
    box = BOX_OF_A_LINE.match(lines[line]) if 0 <= line < len(lines) else None
    if box is None:
        return None
    lines[line] = box[1] + ("x" if box[2] == " " else " ") + box[3]
    return "\n".join(lines)


def plain(line: str) -> str:
    """One line without its marks, as a name: "## *Hello*" is "Hello"."""
    line = HEADING.sub("", line)
    if PLAIN.fullmatch(line):
        return line.strip()
    return unescape(strip_tags(clean(parser().renderInline(line)))).strip()


NO_WORDS = re.compile(r"\s*(?:```|~~~|([-*_=])(?:\s*\1){2,}\s*$|\|?[\s:|-]+$)")
"""A rule, a fence around code, or the second line of a table."""
BEFORE_THE_WORDS = re.compile(r"\s*(?:>\s?|#{1,6}\s+|(?:[-*+]|\d{1,9}[.)])\s+|\|\s*)")


def plain_line(line: str) -> str:
    """A line of a note without what makes it a heading, an item or a quotation: "- [x] *milk*" is "☑ milk"."""
    if NO_WORDS.match(line):
        return ""
    while mark := BEFORE_THE_WORDS.match(line):
        line = line[mark.end() :]
    box = ""
    if ticked := BOX.match(line):
        box, line = "☐ " if ticked[1] == " " else "☑ ", line[ticked.end() :]
    return box + plain(line.rstrip("| \t").replace(" | ", " · "))
