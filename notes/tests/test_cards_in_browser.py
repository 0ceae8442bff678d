"""The list of notes in a real browser: beside the note, with pinning, deleting, searching, and older notes."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from notes import attachments, editing
from notes.models import Note
from notes.tests.tabs import DOOR, SAYS_SAVED, choose, come_in, open_tab, text_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_notes_open_beside_the_list_which_stays_where_it_is(tab: Page, owner: User) -> None:
    now = timezone.now()
    notes = [Note.objects.write(owner, f"note {i}\n\n*text*", created=now - timedelta(hours=i)) for i in range(50)]
    tab.reload()
    tab.evaluate("window.same = true")
    tab.locator(f"#n-{notes[40].pk}").scroll_into_view_if_needed()
    place = tab.locator("[data-notes]").evaluate("list => list.scrollTop")
    assert place > 0
    tab.get_by_role("link", name="note 40").click()
    expect(tab.locator(f"[data-note='{notes[40].pk}']")).to_be_visible()
    expect(tab).to_have_url(f"/notes/{notes[40].pk}/")
    expect(tab.get_by_role("link", name="note 40")).to_have_attribute("aria-current", "true")
    tab.get_by_role("link", name="note 41").click()
    expect(tab.locator("[aria-current]")).to_have_text("note 41")
    tab.go_back()
    expect(tab.locator(f"[data-note='{notes[40].pk}']")).to_be_visible()
    assert tab.locator("[data-notes]").evaluate("list => list.scrollTop") == place
    tab.get_by_role("link", name="note 40").focus()
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("link", name="note 41")).to_be_focused()
    assert tab.evaluate("window.same")


def test_fifty_notes_fit_three_screens(tab: Page, owner: User) -> None:
    Note.objects.bulk_create(Note.written(owner, f"note {i}\n\n" + "words " * 50) for i in range(50))
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.reload()
    high, screen = tab.locator("[data-notes]").evaluate("list => [list.scrollHeight, list.clientHeight]")
    assert high <= 3 * screen


def test_what_is_typed_is_saved_before_another_note_opens_and_shown_in_the_list(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "The kettle")
    tab.reload()
    tab.locator(".surface").fill("Just typed\n\nand more")
    tab.get_by_role("link", name="The kettle").click()
    expect(tab.locator(".card h3")).to_have_text(["Just typed", "The kettle"])
    expect(tab.locator(".card.arrived")).to_contain_text("and more")
    assert {note.text for note in Note.objects.of(owner)} == {"The kettle", "Just typed\n\nand more"}


def test_a_new_note_can_be_pinned_and_deleted_at_once(tab: Page, owner: User) -> None:
    tab.locator(".surface").fill("The kettle")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    note = Note.objects.of(owner).get()
    expect(tab).to_have_url(f"/notes/{note.pk}/")
    tab.get_by_role("button", name="Pin", exact=True).click()
    expect(tab.locator(".pinned h3")).to_have_text("The kettle")
    tab.get_by_role("button", name="Move to the trash").click()
    expect(tab.locator(".card")).to_be_hidden()
    expect(tab.locator("#text")).to_have_value("")


def test_on_a_phone_the_list_gives_way_to_the_note_and_comes_back(tab: Page, owner: User) -> None:
    Note.objects.bulk_create(Note.written(owner, f"note {i}\n\nmore") for i in range(40))
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto("/")
    expect(tab.locator("[data-pane]")).to_be_hidden()
    tab.evaluate("scrollTo(0, 600)")
    row = tab.locator(".card a").nth(20)
    row.click()
    expect(tab.locator("[data-notes]")).to_be_hidden()
    expect(tab.locator("[data-note]")).to_be_visible()
    tab.get_by_role("link", name="Back to the list").click()
    expect(row).to_be_visible()
    expect(tab.locator("[data-pane]")).to_be_hidden()
    assert tab.evaluate("scrollY") == 600
    tab.get_by_role("link", name="New note").click()
    expect(tab.locator("#text")).to_be_visible()


def test_ticking_stays_on_the_page(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "To do\n\n- [ ] milk\n- [ ] bread")
    tab.goto(reverse("notes:note", args=[note.pk]))
    tab.evaluate("window.same = true")
    tab.get_by_text("As it reads").click()
    for name in ("milk", "bread"):
        tab.get_by_role("checkbox", name=name).click()
        expect(tab.get_by_role("checkbox", name=name)).to_be_checked()
    tab.get_by_role("checkbox", name="milk").click()
    expect(tab.get_by_role("checkbox", name="milk")).not_to_be_checked()
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert text_of(owner) == "To do\n\n- [ ] milk\n- [x] bread"
    expect(tab.locator(".card .line")).to_contain_text("☐ milk ☑ bread")
    assert tab.evaluate("window.same")


def test_ticking_what_was_changed_elsewhere_changes_nothing_and_says_so(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "- [ ] milk")
    tab.goto(reverse("notes:note", args=[note.pk]))
    with tab.expect_response(f"**/notes/{note.pk}/"):  # opened, it is read again
        tab.get_by_text("As it reads").click()
    editing.change(owner, note.pk, 1, "No milk today")
    tab.get_by_role("checkbox", name="milk").click()
    expect(tab.locator("#fault")).to_contain_text("changed elsewhere")
    assert text_of(owner) == "No milk today"


def test_deleting_names_the_note_and_can_be_undone_for_ten_seconds(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "The kettle")
    tab.clock.install()
    tab.goto(reverse("notes:note", args=[note.pk]))
    tab.get_by_role("button", name="Move to the trash").click()
    expect(tab.locator(".card")).to_be_hidden()
    expect(tab.locator("[data-toast]")).to_contain_text("“The kettle” is in the trash.")
    expect(tab.locator("[data-note]")).to_have_attribute("data-note", "")
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(".card")).to_be_visible()
    assert text_of(owner) == "The kettle"
    tab.get_by_role("link", name="The kettle").click()
    tab.get_by_role("button", name="Move to the trash").click()
    tab.clock.run_for(9_000)
    expect(tab.get_by_role("button", name="Undo")).to_be_visible()
    tab.clock.run_for(1_500)
    expect(tab.get_by_role("button", name="Undo")).to_be_hidden()


def test_pinning_says_where_the_note_went_and_can_be_undone(tab: Page, owner: User) -> None:
    now = timezone.now()
    for hours, text in enumerate(("First", "Second", "Third")):
        Note.objects.write(owner, text, created=now - timedelta(hours=hours))
    tab.reload()
    tab.get_by_role("link", name="Second").click()
    tab.get_by_role("button", name="Pin", exact=True).click()
    expect(tab.locator(".card h3")).to_have_text(["Second", "First", "Third"])
    expect(tab.locator("[data-toast]")).to_contain_text("“Second” is pinned at the top of the list.")
    expect(tab.locator(".card").first.get_by_label("Pinned")).to_be_visible()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(".card h3")).to_have_text(["First", "Second", "Third"])
    expect(tab.locator("[data-toast]")).to_contain_text("“Second” is back among the notes of")
    expect(tab.get_by_role("button", name="Pin", exact=True)).to_be_visible()


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
            expect(tab.locator("[data-toast]")).to_contain_text("“The kettle” is in the trash.")
        else:
            tab.wait_for_timeout(500)
            expect(card).to_be_visible()
        assert Note.objects.of(owner).exists() != deleted


def scroll_to_the_end(tab: Page) -> None:
    tab.locator("[data-notes]").evaluate("list => list.scrollTo(0, list.scrollHeight)")


def test_older_notes_come_as_one_scrolls(tab: Page, owner: User) -> None:
    Note.objects.bulk_create(Note.written(owner, f"note {i}") for i in range(120))
    tab.reload()
    expect(tab.locator(".card")).to_have_count(50)
    for count in (100, 120):
        scroll_to_the_end(tab)
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
        title = cards.nth(3).locator("h3").inner_text()
        cards.nth(3).locator("a").click()
        tab.get_by_role("button", name="Move to the trash").click()
        expect(tab.locator("[data-toast]")).to_contain_text(f"“{title}” is in the trash.")
        expect(cards).to_have_count(there - 1)
        scroll_to_the_end(tab)
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
    expect(tab.locator(".card:visible mark")).to_have_text(["kett", "kett"])
    expect(tab.locator("[data-says]")).to_have_text("2 notes found")
    search.fill("nowhere")
    expect(tab.locator("[data-says]")).to_contain_text("No note")
    search.fill("")
    expect(tab.locator(".card:visible")).to_have_count(3)
    assert "kett" not in tab.url


def test_a_tag_is_searched_for_by_a_tap(tab: Page, owner: User) -> None:
    for text in ("One\n\n#garden", "Two\n\n#work and #garden", "garden"):
        Note.objects.write(owner, text)
    tab.reload()
    tab.get_by_role("link", name="One").click()
    tab.locator("[data-note]").get_by_role("button", name="#garden").click()
    expect(tab.locator(".card:visible h3")).to_have_text(["Two", "One"])
    expect(tab.get_by_label("Search all notes")).to_have_value("#garden")


def test_pictures_open_in_a_viewer(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Pictures")
    for name in ("one.gif", "two.gif"):
        attachments.attach(owner, note.pk, name, ContentFile(PIXEL))
    tab.goto(reverse("notes:note", args=[note.pk]))
    tab.get_by_role("link", name="one.gif").click()
    viewer = tab.get_by_role("dialog", name="Picture")
    image = viewer.get_by_role("img")
    expect(image).to_have_attribute("alt", "one.gif")
    expect(viewer).to_contain_text("one.gif · 1 / 2")
    tab.keyboard.press("ArrowRight")
    expect(image).to_have_attribute("alt", "two.gif")
    viewer.get_by_role("button", name="Next picture").click()
    expect(image).to_have_attribute("alt", "one.gif")
    small = image.bounding_box()
    image.click()
    expect(viewer.locator(".zoomed")).to_be_visible()
    large = image.bounding_box()
    assert small
    assert large
    assert large["width"] > 2 * small["width"]
    tab.go_back()
    expect(viewer).to_be_hidden()
    expect(tab.get_by_role("link", name="one.gif")).to_be_focused()
    tab.get_by_role("link", name="two.gif").click()
    expect(viewer).to_contain_text("two.gif · 2 / 2")  # its script comes as it is asked for
    tab.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(tab).to_have_url(f"/notes/{note.pk}/")


PIXEL = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")


def test_the_trash_restores_and_deletes_for_good(tab: Page, owner: User) -> None:
    for text in ("The kettle", "The cat"):
        Note.objects.write(owner, text, trashed=timezone.now())
    choose(tab, "Trash")
    expect(tab.get_by_text("stay here for 30 days")).to_be_visible()
    tab.locator(".card", has_text="The cat").get_by_role("button", name="Restore").click()
    expect(tab.locator(".card")).to_have_count(1)
    assert text_of(owner) == "The cat"
    tab.get_by_role("button", name="Delete for good").click()
    expect(tab.get_by_text("1 note and its files will be deleted.")).to_be_visible()
    tab.get_by_role("button", name="Delete for good").click()
    expect(tab.get_by_text("The trash is empty.")).to_be_visible()
    assert Note.objects.count() == 1


def test_an_export_can_be_imported(tab: Page, owner: User, tmp_path: Path) -> None:
    note = Note.objects.write(owner, "The kettle\n\n- [x] on", pinned=True)
    attachments.attach(owner, note.pk, "plan.txt", ContentFile(b"Meet at five."))
    choose(tab, "Import and export")
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "notes.zip")
    note.delete()
    for sentence in ("1 note imported.", "1 was already here."):
        tab.get_by_label("ZIP and JEX files").set_input_files(tmp_path / "notes.zip")
        tab.get_by_role("button", name="Import", exact=True).click()
        expect(tab.get_by_role("main").get_by_role("status")).to_contain_text(sentence)
    [back] = Note.objects.of(owner).with_attachments()
    assert (back.text, back.pinned, back.created) == ("The kettle\n\n- [x] on", True, note.created)
    assert [attachments.read(attachment) for attachment in back.attached] == [b"Meet at five."]


def test_locking_saves_the_text_of_the_note(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Before")
    tab.goto(reverse("notes:note", args=[note.pk]))
    tab.locator("details").last.evaluate("details => { details.open = true }")
    tab.locator(".surface").fill("In the note")
    tab.keyboard.press("Control+l")
    tab.wait_for_url(DOOR)
    assert text_of(owner) == "In the note"
