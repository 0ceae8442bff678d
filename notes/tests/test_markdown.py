import time

import pytest
from django.contrib.auth.models import User

from notes import markdown
from notes.models import MAX_LENGTH, Note
from notes.templatetags.cards import card


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# One\n## Two", "<h3>One</h3><h4>Two</h4>"),
        ("a *b* **c** ~~d~~ `e`", "<p>a <em>b</em> <strong>c</strong> <s>d</s> <code>e</code></p>\n"),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>\n'),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>\n"),
        ("```\n<b>\n```", "<pre><code>&lt;b&gt;\n</code></pre>\n"),
        ("[a](https://x.y/)", '<p><a href="https://x.y/" rel="noopener noreferrer nofollow">a</a></p>\n'),
        ("<https://x.y/>", '<p><a href="https://x.y/" rel="noopener noreferrer nofollow">https://x.y/</a></p>\n'),
    ],
)
def test_rendered(text: str, html: str) -> None:
    assert markdown.render(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](vbscript:x)",
        "![a](https://elsewhere.example/pixel.png)",
        "![a](javascript:alert(1))",
        '[a](https://x.y/ "onmouseover=alert(1)")',
        "<javascript:alert(1)>",
        '- [ ] "onfocus=alert(1) autofocus="',
        "```html\n<script>alert(1)</script>\n```",
        "<svg onload=alert(1)>",
        "<form action=/logout/><button>",
        '<button class="tick" formaction="/trash/">x</button>',
        "<style>*{display:none}</style>",
        "&lt;script&gt;",
    ],
)
def test_nothing_in_it_acts(text: str) -> None:
    from html.parser import HTMLParser

    class Seen(HTMLParser):
        tags: set[str] = set()  # noqa: RUF012
        attributes: set[str] = set()  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags |= {tag}
            self.attributes |= {name for name, _ in attrs}
            for name, value in attrs:
                assert name != "href" or (value or "").startswith("https://")

    seen = Seen()
    seen.feed(markdown.render(text))
    assert not seen.tags & {"script", "img", "svg", "form", "style", "iframe"}
    assert seen.attributes <= {"href", "rel", "class", "name", "value", "role", "aria-checked", "aria-label"}
    if "button" in text and "[ ]" not in text:
        assert "button" not in seen.tags


def test_what_the_parser_lets_through_is_cleaned() -> None:
    assert markdown.clean('<p onclick="x">a<script>b</script><img src=x></p>') == "<p>a</p>"


def test_boxes_know_their_lines() -> None:
    html = markdown.render("- [ ] a\n  - [x] b\n\n1. [X] c\n\n> - [ ] d", 10)
    assert [html.count(f'value="{line}"') for line in (10, 11, 13, 15)] == [1, 1, 1, 1]
    assert html.count('aria-checked="true"') == 2


@pytest.mark.parametrize("text", ["[ ] a", "- []  a", "- [y] a", "- a [ ] b", "- [ ]a", "    - [ ] code", "- \\[ ] a"])
def test_no_box(text: str) -> None:
    assert "<button" not in markdown.render(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- [ ] a", "- [x] a"),
        ("- [x] a", "- [ ] a"),
        ("* [X]", "* [ ]"),
        ("  12. [ ] a", "  12. [x] a"),
        ("> - - [ ] [ ] a", "> - - [x] [ ] a"),
    ],
)
def test_ticking(before: str, after: str) -> None:
    assert markdown.tick(f"first\n{before}\nlast", 1) == f"first\n{after}\nlast"


@pytest.mark.parametrize("line", [-1, 0, 2, 99])
def test_only_a_box_can_be_ticked(line: int) -> None:
    assert markdown.tick("a\n- [ ] b\n[ ] c", line) is None


@pytest.mark.parametrize("unit", [">", "[", "- ", "*a ", "`", "![a](b", "_*", "\\", "- [ ] a\n", "|a"])
def test_no_note_keeps_the_site_busy_for_long(unit: str) -> None:
    text = (unit * MAX_LENGTH)[:20_000]
    start = time.thread_time()  # what others do on this machine does not count
    markdown.render(text)
    markdown.tick(text, 0)
    assert time.thread_time() - start < 2


@pytest.mark.parametrize(
    ("text", "title", "words"),
    [
        ("Title\n\nbody *and* more\nof it", "Title", "body and more of it"),
        ("\n\n  ## *Title* & <b>\nbody", "Title & <b>", "body"),
        ("Title\n=====\nbody", "Title", "body"),
        ("- [ ] a\n- [x] b", "☐ a", "☑ b"),
        ("> 1. a", "a", ""),
        ("one", "one", ""),
        ("***", "***", ""),
        ("---\n| day | pages |\n| --- | --- |\n| Monday | 3 |", "day · pages", "Monday · 3"),
        ("word " * 40, ("word " * 20).strip(), ("word " * 20).strip()),
        ("x" * 150, "x" * 100, "x" * 50),
        ("one\n" + "word " * 80, "one", ("word " * 32).strip() + " …"),
    ],
)
def test_a_card_has_two_lines(owner: User, text: str, title: str, words: str) -> None:
    shown = card(Note.written(owner, text))
    assert (shown.title, shown.words) == (title, words)


def test_a_table_that_scrolls_can_be_reached_by_keyboard() -> None:
    assert '<table tabindex="0">' in markdown.render("| a |\n| --- |\n| b |")
