// One note beside the list: a click on another shows that one, and the list stays where it is. Back and forward work as
// with pages, and every link leads to a page that says the same without a script.

import { find, need } from "../site/dom.js";
import { tellTimes } from "../site/times.js";
import { cardOf } from "./cards.js";
import { fetchPage } from "./pages.js";

export class Pane extends EventTarget {
  #root;
  #home;
  #leave;
  #mount;
  #shown = location.pathname;
  #asked = 0; // counts what was asked for: only the last is shown
  #scroll = 0; // where the list was when a note took its place, on a phone

  /**
   * @param {object} page
   * @param {HTMLElement} page.root
   * @param {string} page.home the address of the list
   * @param {(go: () => void) => Promise<void>} page.leave saves what is being written, then goes
   * @param {(root: HTMLElement, gone: boolean) => void} page.mount sets up what is in the pane, or takes its leave of it
   */
  constructor({ root, home, leave, mount }) {
    super();
    this.#root = root;
    this.#home = home;
    this.#leave = leave;
    this.#mount = mount;
    mount(root, false);
    this.#scrollToCurrent();
    document.addEventListener("click", (event) => this.#click(event));
    addEventListener("popstate", () => {
      if (location.pathname !== this.#shown) leave(() => this.#show(location.pathname, false));
    });
  }

  /** Whether there is no room for the list beside the note. */
  get #narrow() {
    return matchMedia("(max-width: 899.98px)").matches;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const link = /** @type {HTMLAnchorElement | null} */ (
      /** @type {Element} */ (event.target).closest(".card h3 a, [data-new], [data-back]")
    );
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.open(link.pathname);
  }

  /**
   * Show a note, the blank page, or the list, once what is being written is saved.
   *
   * @param {string} address
   */
  open(address) {
    return this.#leave(() => this.#show(address, true));
  }

  /**
   * @param {string} address
   * @param {boolean} push whether it becomes the page's address
   */
  async #show(address, push) {
    const asked = ++this.#asked;
    const page = await fetchPage(`${address}?pane`);
    if (asked !== this.#asked) return;
    const note = page?.querySelector("[data-note]");
    if (page === undefined) return void this.dispatchEvent(new Event("unreachable"));
    if (!note) return location.assign(address);
    this.dispatchEvent(new Event("contact"));
    this.#mount(this.#root, true);
    this.#root.replaceChildren(document.adoptNode(note));
    this.#shown = address;
    if (push && address !== location.pathname) history.pushState({}, "", address);
    this.#turn(address !== this.#home);
    tellTimes(this.#root);
    this.#mark(note.getAttribute("data-note") ?? "");
    if (!this.#narrow || address !== this.#home) this.#root.focus({ preventScroll: true });
    this.#mount(this.#root, false);
  }

  /**
   * On a phone, the note instead of the list, or the other way round.
   *
   * @param {boolean} one
   */
  #turn(one) {
    const { classList } = document.body;
    if (one && !classList.contains("one")) this.#scroll = scrollY;
    const back = !one && classList.contains("one");
    classList.toggle("one", one);
    this.#root.scrollTop = 0;
    if (this.#narrow) scrollTo(0, back ? this.#scroll : 0);
  }

  /** @param {string} pk of the note that is open */
  #mark(pk) {
    for (const link of document.querySelectorAll(".card [aria-current]")) link.removeAttribute("aria-current");
    for (const link of document.querySelectorAll(`.card[id="n-${pk}"] h3 a`)) link.setAttribute("aria-current", "true");
  }

  #scrollToCurrent() {
    const pk = find(HTMLElement, "[data-note]", this.#root)?.dataset.note;
    if (pk && !this.#narrow) cardOf(pk)?.scrollIntoView({ block: "nearest" });
  }

  /**
   * The blank page has become a note, which can be pinned and deleted.
   *
   * @param {string} address
   */
  async became(address) {
    const note = need(HTMLElement, "[data-note]", this.#root);
    const pk = address.split("/").at(-2) ?? "";
    if (note.dataset.note === pk) return;
    note.dataset.note = pk;
    this.#shown = address;
    history.replaceState({}, "", address);
    const page = await fetchPage(`${address}?pane`);
    const actions = page?.querySelector(".note-actions");
    if (!actions || !note.isConnected) return;
    note.querySelector(".note-actions")?.replaceWith(document.adoptNode(actions));
    tellTimes(note);
    this.#mark(pk);
  }
}
