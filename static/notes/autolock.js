// Locks on silence, and out of sight: when the session's time has passed without a word to the server, or the notebook
// has been hidden for longer than its owner chose, nothing stays readable.
//
// The page is covered at once; then the last words are saved, files on their way get a moment to arrive, the session is
// ended, and the page goes to the door. Words and files that the server does not have stay in this tab's memory below the
// cover until their writer is back: nothing is ever written to the device. All tabs of the browser share one session, so
// they tell each other, and are covered together.

import { fieldsOf, find, need, renewTokens } from "../site/dom.js";
import { patience } from "../site/patience.js";
import { allTabsSent } from "./attachments.js";
import { fetchPage } from "./pages.js";

const MARGIN = 5_000; // ms before the server's own end, so that the last words can still be saved
const WARNING = 60_000; // ms of warning; WCAG 2.2.1 asks for at least 20 s and one simple action to stay
const TICK = 1_000;
const SECONDS = new Intl.NumberFormat(document.documentElement.lang, {
  style: "unit",
  unit: "second",
  unitDisplay: "long",
});
const RETRY = 10_000; // ms between tries to save below the cover
const DOUBT = 500; // ms for other tabs to say that the notebook is in use
const ARRIVAL = 30_000; // ms for files on their way to arrive below the cover; then the session ends all the same
const SUCCESSION = ARRIVAL + 30_000; // ms for another tab to end the session as it said

/** @param {number} delay ms */
const pause = (delay) => new Promise((done) => setTimeout(done, delay));

export class Autolock {
  #cover;
  #lockForm;
  #editors;
  #warning;
  #silence;
  #hiddenFor; // ms out of sight; Infinity: as long as one likes
  #seen = Date.now(); // when this tab, or another of this notebook, was last in sight
  #end = 0;
  #shut = false;
  #waiting = false; // shut, with words or files that the server does not have
  #again = 0;
  #asking = false;
  #doubting = false;
  #title = document.title;
  /** @type {Element | null} */
  #focus = null;
  #channel = new BroadcastChannel("secretly");
  /** @type {(() => void) | null} */
  #ended = null; // to be called when the other tab, which is ending the session, has done so

  /**
   * @param {object} page
   * @param {HTMLElement} page.cover
   * @param {HTMLFormElement | null} page.lockForm
   * @param {import("./editors.js").Editors} page.editors
   * @param {HTMLElement} page.warning where the warning is said
   */
  constructor({ cover, lockForm, editors, warning }) {
    this.#cover = cover;
    this.#lockForm = lockForm;
    this.#editors = editors;
    this.#warning = warning;
    this.#hiddenFor = Number(cover.dataset.hiddenFor) * 1000 || Infinity;
    this.#silence = Number(cover.dataset.lockAfter) * 1000 - MARGIN;

    this.#channel.addEventListener("message", ({ data }) => this.#hear(data));
    this.contact();

    setInterval(() => this.#tick(), TICK);
    // Timers sleep with the machine and in the background; these come first when it wakes.
    for (const type of ["visibilitychange", "focus", "pageshow", "online"]) {
      addEventListener(type, () => this.#wake(), true);
    }
    for (const type of ["keydown", "pointerdown", "click"]) {
      addEventListener(type, () => this.#warned && this.#stay(), true);
    }
  }

  /** The server has just answered: the silence starts anew, in every tab. */
  contact() {
    this.#end = Date.now() + this.#silence;
    this.#warn(false);
    this.#tell({ end: this.#end });
  }

  /**
   * Cover the page and leave it.
   *
   * @param {object} how
   * @param {boolean} how.end whether the session ends too, and with it every other tab
   */
  async shut({ end }) {
    if (this.#shut) return;
    this.#shut = true;
    this.#hide();
    if (end) this.#tell({ ending: true });
    await this.#bringHome();
    if (end) {
      await this.#endSession();
      this.#tell({ shut: true });
    }
    this.#go();
  }

  /** Another tab is ending the session. Should it be closed before it has, this one ends it. */
  async #follow() {
    if (this.#shut) return;
    this.#shut = true;
    this.#hide();
    let gone = false;
    const ended = /** @type {Promise<void>} */ (new Promise((done) => (this.#ended = done))).then(() => (gone = true));
    await this.#bringHome();
    await Promise.race([ended, pause(SUCCESSION)]);
    this.#ended = null;
    if (!gone) await this.#endSession();
    this.#go();
  }

  /** Save the last words, and give files on their way some time: this tab's, and the other tabs' in the same session. */
  async #bringHome() {
    await Promise.race([Promise.all([this.#editors.finish(), allTabsSent()]), pause(ARRIVAL)]);
  }

  #go() {
    if (this.#editors.unsaved || this.#editors.pending) this.#keep();
    else this.#leave(this.#cover.dataset.locked ?? "/");
  }

  /** The page was away, with words that are only in it. It is shown again unless the server says that it is locked. */
  async recall() {
    if (this.#shut || this.#doubting) return;
    this.#doubting = true;
    this.#hide();
    const back = await this.#isBack();
    this.#doubting = false;
    if (this.#shut) return;
    if (back === false) return this.shut({ end: false });
    this.#uncover();
    if (back) this.contact();
  }

  /** The address of the notebook. */
  get #home() {
    return this.#cover.dataset.home ?? "/";
  }

  get #warned() {
    return this.#warning.childElementCount > 0;
  }

  #tick() {
    const left = this.#end - Date.now();
    if (this.#waiting) this.#return();
    else if (this.#shut || this.#doubting) return;
    else if (left <= 0 || this.#outOfSight()) this.#doubt();
    else {
      this.#warn(left <= Math.min(WARNING, this.#silence / 2));
      const seconds = this.#warning.querySelector("[data-seconds]");
      if (seconds) seconds.textContent = SECONDS.format(Math.ceil(left / 1000));
    }
  }

  /** Whether nobody has had this notebook in sight for too long. A tab that comes back is asked before it counts. */
  #outOfSight() {
    if (Date.now() - this.#seen > this.#hiddenFor) return true;
    if (document.visibilityState === "visible") {
      this.#seen = Date.now();
      this.#tell({ seen: this.#seen });
    }
    return false;
  }

  /** The time is up, as far as this tab knows. One that was asleep may know little, so the others are asked first. */
  async #doubt() {
    this.#doubting = true;
    this.#hide();
    this.#tell({ asks: true });
    await pause(DOUBT);
    this.#doubting = false;
    if (this.#shut) return;
    if (this.#end > Date.now() && !this.#outOfSight()) this.#uncover();
    else this.shut({ end: true });
  }

  #wake() {
    this.#again = 0;
    this.#tick();
  }

  /** @param {boolean} on */
  #warn(on) {
    if (on === this.#warned) return;
    const words = need(HTMLTemplateElement, "[data-warning-words]");
    this.#warning.replaceChildren(...(on ? [words.content.cloneNode(true)] : []));
  }

  async #stay() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const answer = await fetch(this.#home, { method: "HEAD", signal: patience(5_000) });
      if (answer.redirected) this.shut({ end: false });
      else this.contact();
    } catch {
      // Not reached: the silence goes on, and the next key asks again.
    } finally {
      this.#asking = false;
    }
  }

  async #endSession() {
    if (!this.#lockForm) return;
    try {
      await fetch(this.#lockForm.action, {
        method: "POST",
        body: fieldsOf(this.#lockForm),
        redirect: "manual",
        keepalive: true,
        signal: patience(5_000),
      });
    } catch {
      // Not reached. The page is covered all the same, and the server ends the session by itself in a moment.
    }
  }

  #hide() {
    this.#warn(false);
    for (const dialog of document.querySelectorAll("dialog")) dialog.close(); // nothing else could be clicked
    if (this.#cover.hidden) this.#focus = document.activeElement;
    document.title = "Secretly";
    this.#showOnly((part) => part === this.#cover);
    this.#door.focus();
  }

  /** @param {(part: Element) => boolean} shown which parts of the page can be seen */
  #showOnly(shown) {
    for (const part of document.body.children) part.toggleAttribute("hidden", !shown(part));
  }

  /** The way to the door, on the cover. */
  get #door() {
    return need(HTMLAnchorElement, "[data-cover-door]", this.#cover);
  }

  #show() {
    this.#shut = this.#waiting = false;
    this.#seen = Date.now();
    this.#uncover();
    this.contact();
  }

  #uncover() {
    document.title = this.#title;
    this.#showOnly((part) => part !== this.#cover);
    if (this.#focus instanceof HTMLElement) this.#focus.focus({ preventScroll: true });
  }

  #keep() {
    this.#waiting = true;
    this.#again = Date.now() + RETRY;
    const words = need(HTMLElement, "[data-cover-words]", this.#cover);
    words.textContent = (this.#editors.unsaved ? words.dataset.unsaved : words.dataset.unattached) ?? "";
    this.#door.target = "_blank";
  }

  /** After locking with unsaved words, or files that were not sent: try again, now that their writer may be back. */
  async #return() {
    if (this.#asking || Date.now() < this.#again || document.visibilityState === "hidden") return;
    this.#asking = true;
    this.#again = Date.now() + RETRY;
    const outcome = await this.#editors.save();
    const back = outcome === "saved" && this.#editors.pending && (await this.#isBack());
    this.#asking = false;
    if (back) this.#show(); // each file says what became of it, and has a button
    else if (outcome === "saved" && !this.#editors.pending) this.#leave(this.#home);
    else if (["refused", "conflict", "gone"].includes(outcome)) this.#show(); // answers that only the writer gets
  }

  /** Whether the writer of this page is signed in; undefined: nobody answers. Its forms get the new session's token. */
  async #isBack() {
    const page = await fetchPage(this.#home, { redirect: "manual" }); // not on to the door
    if (page === undefined) return undefined;
    if (!page || find(HTMLElement, "[data-cover]", page)?.dataset.writer !== this.#cover.dataset.writer) return false;
    renewTokens(need(HTMLInputElement, "[name=csrfmiddlewaretoken]", page).value);
    return true;
  }

  /** @param {string} address */
  #leave(address) {
    this.#editors.release();
    location.replace(address);
  }

  /**
   * What the tabs of a notebook tell each other.
   *
   * @typedef {object} Message
   * @property {number} [end] when the silence ends, in ms since 1970
   * @property {number} [seen] when a tab was in sight
   * @property {true} [asks] a tab wants to know both
   * @property {true} [ending] a tab is about to end the session
   * @property {true} [shut] a tab has ended it
   */

  /** @param {Message} message */
  #tell(message) {
    this.#channel.postMessage({ ...message, writer: this.#cover.dataset.writer });
  }

  /** @param {Message & { writer?: string }} message */
  #hear({ end, shut, ending, seen, asks, writer }) {
    const mine = writer === this.#cover.dataset.writer;
    if (mine && asks) {
      if (this.#shut || this.#doubting || Date.now() >= this.#end) return;
      this.#tell({ end: this.#end });
      this.#outOfSight(); // says so where it is in sight
    } else if (mine && ending) this.#follow();
    else if (mine && shut && this.#ended) this.#ended();
    else if (mine && seen) this.#seen = Math.max(this.#seen, seen);
    else if (mine === Boolean(shut)) this.shut({ end: false }); // my own tab locked, or somebody else has come in
    else if (mine && end && end > this.#end) {
      this.#end = end;
      this.#warn(false);
    }
  }
}
