"""The list of notes in a real browser: editing in place, ticking, deleting, searching."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from notes import attachments, editing
from notes.models import Note
from notes.tests.tabs import DOOR, SAYS_SAVED, come_in, open_tab, text_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_editing_in_place(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Before\n\nand after")
    Note.objects.write(owner, "Another")
    tab.reload()
    card = tab.locator(f"#n-{note.pk}")
    card.get_by_role("link", name="Edit").click()
    text = card.locator("textarea")
    expect(text).to_be_focused()
    expect(text).to_have_value("Before\n\nand after")
    text.fill("# Now\n\n*after*")
    expect(card.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert Note.objects.get(pk=note.pk).text == "# Now\n\n*after*"
    tab.keyboard.press("Control+Enter")
    expect(card.locator("h3")).to_have_text("Now")
    expect(card.locator("em")).to_have_text("after")
    expect(card.get_by_role("link", name="Edit")).to_be_focused()
    assert tab.url.endswith("/")


def test_a_double_click_opens_one_form(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Before")
    tab.reload()
    tab.get_by_role("link", name="Edit").dblclick()
    forms = tab.locator(f"#n-{note.pk} [data-editor]")
    expect(forms.locator(".surface")).to_be_focused()
    tab.wait_for_load_state("networkidle")
    expect(forms).to_have_count(1)


def test_text_in_a_card_is_saved_when_it_locks(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Before")
    tab.reload()
    tab.locator(".surface").fill("On the blank page")
    tab.get_by_role("link", name="Edit").click()
    tab.locator(f"#n-{note.pk} textarea").fill("In the card")
    tab.keyboard.press("Control+l")
    tab.wait_for_url(DOOR)
    assert {note.text for note in Note.objects.of(owner)} == {"On the blank page", "In the card"}


def test_ticking_stays_on_the_page(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "To do\n\n- [ ] milk\n- [ ] bread")
    tab.reload()
    tab.evaluate("window.same = true")
    for name in ("milk", "bread"):
        tab.get_by_role("checkbox", name=name).click()
        expect(tab.get_by_role("checkbox", name=name)).to_be_checked()
    tab.get_by_role("checkbox", name="milk").click()
    expect(tab.get_by_role("checkbox", name="milk")).not_to_be_checked()
    assert text_of(owner) == "To do\n\n- [ ] milk\n- [x] bread"
    assert tab.evaluate("window.same")


def test_ticking_what_was_changed_elsewhere_shows_how_it_reads_now(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "- [ ] milk")
    tab.reload()
    editing.change(owner, note.pk, 1, "No milk today")
    tab.get_by_role("checkbox", name="milk").click()
    expect(tab.get_by_text("This is how it reads now.")).to_be_visible()
    assert text_of(owner) == "No milk today"


def test_deleting_can_be_undone(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "The kettle")
    tab.reload()
    tab.get_by_role("button", name="Delete").click()
    expect(tab.locator(".card")).to_be_hidden()
    expect(tab.locator("[data-toast]")).to_contain_text("It is in the trash.")
    assert Note.objects.trashed(owner).filter(pk=note.pk).exists()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(".card")).to_be_visible()
    assert text_of(owner) == "The kettle"


def test_undo_is_offered_for_ten_seconds(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "The kettle")
    tab.clock.install()
    tab.reload()
    tab.get_by_role("button", name="Delete").click()
    expect(tab.get_by_role("button", name="Undo")).to_be_visible()
    tab.clock.run_for(9_000)
    expect(tab.get_by_role("button", name="Undo")).to_be_visible()
    tab.clock.run_for(1_500)
    expect(tab.get_by_role("button", name="Undo")).to_be_hidden()


@pytest.mark.parametrize(("distance", "deleted"), [(150, True), (-150, True), (60, False)])
def test_a_swipe_deletes(chromium: Browser, owner: User, live_server: LiveServer, distance: int, deleted: bool) -> None:
    Note.objects.write(owner, "The kettle")
    with chromium.new_context(
        base_url=live_server.url, has_touch=True, viewport={"width": 360, "height": 740}
    ) as phone:
        come_in(phone, owner, live_server)
        tab = open_tab(phone, "/")
        card = tab.locator(".card")
        box = card.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + 20
        touch = phone.new_cdp_session(tab)
        steps = [("touchStart", x), ("touchMove", x + distance / 2), ("touchMove", x + distance)]
        for kind, at in steps:
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        if deleted:
            expect(card).to_be_hidden()
        else:
            tab.wait_for_timeout(500)
            expect(card).to_be_visible()
        assert Note.objects.of(owner).exists() != deleted


def test_older_notes_come_as_one_scrolls(tab: Page, owner: User) -> None:
    Note.objects.bulk_create(Note.written(owner, f"note {i}") for i in range(120))
    tab.reload()
    expect(tab.locator(".card")).to_have_count(50)
    for count in (100, 120):
        tab.locator(".card").last.scroll_into_view_if_needed()
        tab.mouse.wheel(0, 100_000)
        expect(tab.locator(".card")).to_have_count(count)
    assert len(set(tab.locator(".card h3").all_text_contents())) == 120
    expect(tab.locator("[data-pages] [rel=next]")).to_have_count(0)


@pytest.mark.parametrize(("count", "shown"), [(101, [50, 100]), (151, [50, 100, 149])])
def test_deleting_hides_no_other_note(tab: Page, owner: User, count: int, shown: list[int]) -> None:
    """The list's pages are counted from the newest note: the first of the next page moves up into the one shown."""
    Note.objects.bulk_create(Note.written(owner, f"note {i}") for i in range(count))
    tab.reload()
    cards = tab.locator(".card:visible")
    for there in shown[:-1]:
        expect(cards).to_have_count(there)
        cards.nth(3).get_by_role("button", name="Delete").click()
        expect(tab.locator("[data-toast]")).to_contain_text("It is in the trash.")
        expect(cards).to_have_count(there - 1)
        tab.mouse.wheel(0, 100_000)
    expect(cards).to_have_count(shown[-1])
    titles = tab.locator(".card:visible h3").all_text_contents()
    assert sorted(titles) == sorted(note.text for note in Note.objects.of(owner))
    expect(tab.locator("[data-pages] [rel=next]")).to_have_count(0)


def test_search_as_one_types(tab: Page, owner: User) -> None:
    for text in ("The kettle", "The cat", "Another\n\n" + "x " * 500 + "kettle"):
        Note.objects.write(owner, text)
    tab.reload()
    search = tab.get_by_label("Search all notes")
    search.press_sequentially("KETT", delay=20)
    expect(tab.locator(".card:visible")).to_have_count(2)
    expect(tab.locator("[data-says]")).to_have_text("I have found 2 notes.")
    search.fill("nowhere")
    expect(tab.locator("[data-says]")).to_contain_text("no note")
    search.fill("")
    expect(tab.locator(".card:visible")).to_have_count(3)
    assert "kett" not in tab.url


def test_what_is_pinned_stands_above_and_markdown_is_drawn(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "Below")
    tab.locator(".surface").fill("# Above\n\n- [x] *done*\n- `code` and [a link](https://example.org)\n\n<b>no tag</b>")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator(".card").first.get_by_role("heading")).to_have_text("Above")
    tab.get_by_role("button", name="Pin", exact=True).last.click()
    expect(tab.locator(".card").first.get_by_role("heading")).to_have_text("Below")
    expect(tab.locator(".card").first).to_contain_text("Pinned")
    other = tab.locator(".card").last
    expect(other.get_by_role("checkbox", name="done")).to_be_checked()
    expect(other.locator("code")).to_have_text("code")
    expect(other.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.org")
    expect(other.locator(".prose")).to_contain_text("<b>no tag</b>")


def test_the_trash_restores_and_deletes_for_good(tab: Page, owner: User) -> None:
    for text in ("The kettle", "The cat"):
        Note.objects.write(owner, text, trashed=timezone.now())
    tab.get_by_role("link", name="Trash").click()
    expect(tab.get_by_text("stays here for 30 days")).to_be_visible()
    tab.locator(".card", has_text="The cat").get_by_role("button", name="Bring back").click()
    expect(tab.locator(".card")).to_have_count(1)
    assert text_of(owner) == "The cat"
    tab.get_by_role("button", name="Delete for good").click()
    expect(tab.get_by_text("1 note and its files will be deleted.")).to_be_visible()
    tab.get_by_role("button", name="Delete for good").click()
    expect(tab.get_by_text("There is nothing in it.")).to_be_visible()
    assert Note.objects.count() == 1


def test_an_export_can_be_imported(tab: Page, owner: User, tmp_path: Path) -> None:
    note = Note.objects.write(owner, "The kettle\n\n- [x] on", pinned=True)
    attachments.attach(owner, note.pk, "plan.txt", ContentFile(b"Meet at five."))
    tab.get_by_role("link", name="Take it with you").click()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "notes.zip")
    note.delete()
    for sentence in ("I have taken in 1 note.", "1 was here already."):
        tab.get_by_label("ZIP and JEX files").set_input_files(tmp_path / "notes.zip")
        tab.get_by_role("button", name="Bring in", exact=True).click()
        expect(tab.get_by_role("main").get_by_role("status")).to_contain_text(sentence)
    [back] = Note.objects.of(owner).with_attachments()
    assert (back.text, back.pinned, back.created) == ("The kettle\n\n- [x] on", True, note.created)
    assert [attachments.read(attachment) for attachment in back.attached] == [b"Meet at five."]
