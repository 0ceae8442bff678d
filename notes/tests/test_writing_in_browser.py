"""A page to write on, in a real browser: Markdown is styled, lists go on, rich text comes in as Markdown."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from notes.models import Note
from notes.tests.tabs import SAYS_SAVED, come_in, open_tab, text_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def open_note(tab: Page, owner: User, text: str) -> None:
    note = Note.objects.write(owner, text)
    tab.goto(reverse("notes:note", args=[note.pk]))
    expect(tab.locator(".surface")).to_be_focused()


def saved(tab: Page, owner: User) -> str:
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    text = text_of(owner)
    assert (
        tab.locator(".surface").evaluate("page => [...page.children].map(line => line.textContent).join('\\n')") == text
    )
    return text


def test_a_note_can_be_written_in_at_once_and_is_styled(tab: Page, owner: User) -> None:
    open_note(tab, owner, "Bread\n\n# Day **one**\n- [ ] flour\n- [x] salt\n\n```\n# code\n```")
    kinds = ["title", "", "h1", "task", "task done", "", "code", "code", "code"]
    lines = tab.locator(".surface .verse")
    assert [line.strip() for line in lines.evaluate_all("all => all.map(one => one.className.slice(6))")] == kinds
    assert tab.locator(".title").evaluate("title => parseFloat(getComputedStyle(title).fontSize)") > 20
    expect(tab.locator(".h1 .strong")).to_have_text("**one**")
    tab.locator(".box").first.click()
    tab.keyboard.press("Control+End")
    tab.keyboard.type("\nthe *end*")
    assert saved(tab, owner) == "Bread\n\n# Day **one**\n- [x] flour\n- [x] salt\n\n```\n# code\n```\nthe *end*"
    expect(tab.locator(".surface .em")).to_have_text("*end*")
    tab.get_by_role("button", name="Undo changes").click()
    assert saved(tab, owner) == "Bread\n\n# Day **one**\n- [ ] flour\n- [x] salt\n\n```\n# code\n```"
    expect(tab.get_by_role("button", name="Undo changes")).to_be_hidden()
    tab.get_by_role("button", name="Done").click()
    expect(tab.locator(".notes h3 a")).to_have_text("Bread")


def test_enter_goes_on_with_lists_and_keys_format(tab: Page, owner: User) -> None:
    expect(tab.locator(".surface")).to_be_focused()
    tab.keyboard.type("To do\n- [x] milk\nbread\n\n3. one\ntwo\n\n> said\nso\n\nbold")
    for key in ("Shift+Control+ArrowLeft", "Control+b"):
        tab.keyboard.press(key)
    expected = "To do\n- [x] milk\n- [ ] bread\n3. one\n4. two\n> said\n> so\n**bold**"
    assert saved(tab, owner) == expected
    tab.keyboard.press("Control+b")
    tab.keyboard.press("Control+i")
    assert saved(tab, owner) == expected.replace("**", "*")
    tab.keyboard.press("Control+z")
    tab.keyboard.press("Control+z")
    assert saved(tab, owner) == expected
    tab.keyboard.press("Control+Shift+z")
    assert saved(tab, owner) == expected.replace("**", "")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("https://example.org/")
    assert saved(tab, owner).endswith("\n[bold](https://example.org/)")


def test_words_can_be_deleted_cut_and_put_anywhere(tab: Page, owner: User) -> None:
    open_note(tab, owner, "One two\nthree\n\nfour")
    tab.keyboard.press("Control+Home")
    for key in ("Control+Delete", "End", "Delete", "Backspace", "Control+End", "Control+Backspace", "Backspace"):
        tab.keyboard.press(key)
    assert saved(tab, owner) in (" twthree\n", "twthree\n")
    tab.keyboard.press("Control+a")
    tab.keyboard.press("Control+x")
    tab.keyboard.type("سر: ")
    tab.keyboard.press("Control+v")
    assert "twthree" in saved(tab, owner)
    tab.keyboard.type("\n- [x] ملح")
    directions = tab.locator(".verse").evaluate_all("all => all.map(line => getComputedStyle(line).direction)")
    assert {directions[0], directions[-1]} == {"rtl"}  # whatever the box says


def paste(tab: Page, html: str, plain: str) -> None:
    tab.locator(".surface").evaluate(
        """(page, [html, plain]) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/html", html);
            clipboardData.setData("text/plain", plain);
            page.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData }));
        }""",
        [html, plain],
    )


RICH = """<meta charset=utf-8><h2>Bread</h2><p>It is <b>good</b>, <i>very</i> <a href="https://example.org/a(b)">so</a>
<a href="javascript:alert(1)">or not</a>.<ul><li>flour<li>salt<ol start=3><li>fine</ol></ul>
<table><tr><th>day<th>pages<tr><td>Monday<td>3</table><pre>a  b</pre><script>alert(1)</script>"""


def test_rich_text_is_pasted_as_markdown(tab: Page, owner: User) -> None:
    expect(tab.locator(".surface")).to_be_focused()
    paste(tab, RICH, "Bread")
    assert saved(tab, owner).split("\n\n") == [
        "## Bread",
        "It is **good**, *very* [so](https://example.org/a%28b%29) or not.",
        "- flour\n- salt\n  3. fine",
        "| day | pages |\n| --- | --- |\n| Monday | 3 |",
        "```\na  b\n```",
    ]


def test_an_input_method_writes_what_it_means(tab: Page, owner: User) -> None:
    """Words that are composed are put there by the browser itself, as on most telephones."""
    expect(tab.locator(".surface")).to_be_focused()
    tab.keyboard.type("Tea\n")
    session = tab.context.new_cdp_session(tab)
    for text in ("に", "にほ", "日本"):
        session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
    session.send("Input.insertText", {"text": "日本"})
    tab.keyboard.type("!\n*x*")
    assert saved(tab, owner) == "Tea\n日本!\n*x*"
    expect(tab.locator(".surface .em")).to_have_text("*x*")


def test_a_telephone_has_a_toolbar(chromium: Browser, owner: User, live_server: LiveServer) -> None:
    phone: dict[str, Any] = {"has_touch": True, "is_mobile": True, "viewport": {"width": 360, "height": 740}}
    with chromium.new_context(base_url=live_server.url, **phone) as context:
        come_in(context, owner, live_server)
        tab = open_tab(context, "/")
        tab.locator(".surface").first.tap()
        tab.keyboard.type("Title\nmilk")
        tab.get_by_role("button", name="Check box").tap()
        tab.keyboard.type(", bread")
        assert saved(tab, owner) == "Title\n- [ ] milk, bread"
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_how_it_reads_is_shown_and_can_be_ticked(tab: Page, owner: User) -> None:
    open_note(tab, owner, "To do\n- [ ] milk")
    tab.keyboard.type("\nbread")
    tab.get_by_text("As it reads").click()
    tab.get_by_role("checkbox", name="bread").click()
    expect(tab.get_by_role("checkbox", name="bread")).to_be_checked()
    assert saved(tab, owner) == "To do\n- [ ] milk\n- [x] bread"
    tab.locator(".surface").focus()
    tab.keyboard.press("Control+End")
    tab.keyboard.type("!")
    tab.get_by_role("button", name="Move to the trash").click()  # the newest words go along
    expect(tab.get_by_role("button", name="Undo", exact=True)).to_be_visible()
    assert Note.objects.trashed(owner).get().text == "To do\n- [ ] milk\n- [x] bread!"
