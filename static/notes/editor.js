// A page for writing that saves itself. It is "contact" whenever the server answered, "shut" when the server
// says that nobody, or somebody else, is signed in, and "done" when its writer has finished and all is saved and sent.

import { fieldsOf, find, need, renewTokens } from "../site/dom.js";
import { patience } from "../site/patience.js";

const PAUSE = 1500; // ms without a key before saving: long enough to finish a word, short enough to lose none
const PATIENCE = 20_000; // ms for an answer
const RETRY = 10_000; // ms until the next try when the server cannot be reached
const READY = 2_000; // ms after which a page is surely drawn
const KEEPALIVE_BYTES = 60_000; // browsers let at most 64 KiB outlive a page

/**
 * The form of a note.
 *
 * @typedef {HTMLFormElement & { elements: Fields }} Writing
 * @typedef {Record<"text", HTMLTextAreaElement> &
 *   Record<"page" | "version" | "writer" | "csrfmiddlewaretoken", HTMLInputElement>} Fields
 */

/**
 * The files of a note, as `attachments.js` has them. (Their modules name each other in no circle, not even in a comment:
 * Django gives each a name by what is in it, and reads comments too.)
 *
 * @typedef {object} Files
 * @property {boolean} pending whether there are some that the server does not have
 * @property {() => Promise<void>} sent waits until nothing is on its way
 * @property {() => void} release lets the page go without asking
 */

export class Editor extends EventTarget {
  /** @type {Files | null} */
  files = null; // the files for it, where it takes any
  #form;
  #text;
  #status;
  #fault;
  #kept; // the text that the server has; null when it has none of what is shown
  /** @type {string | null} */
  #unsure = null; // a text that was sent and not answered: perhaps the server has it
  #byHand;
  #timer = 0;
  /** @type {Promise<string> | null} */
  #saving = null;
  #leaving = false;
  #finishing = false;
  #opened; // the text as it was when the page was opened
  #undo;
  /** @type {Promise<typeof import("./later.js")> | null} */
  #keptHere = null; // words of this page wait on this device
  /** @type {import("./surface.js").Surface | null} */
  #surface = null; // where the words are styled while one writes

  /** @param {Writing} form */
  constructor(form) {
    super();
    this.#form = form;
    this.#text = form.elements.text;
    this.#status = find(HTMLElement, "[data-status]", form);
    this.#fault = need(HTMLElement, "[data-fault]", form);
    this.#kept = "unsaved" in form.dataset ? null : this.#text.defaultValue;
    this.#byHand = "byHand" in form.dataset; // there is a question to answer first
    this.#opened = form.elements.version.value === "0" ? null : this.#text.defaultValue; // a new page was nothing yet
    this.#undo = find(HTMLButtonElement, "[data-undo-changes]", form);

    this.#text.addEventListener("input", () => this.#schedule());
    this.#undo?.addEventListener("click", () => this.#undoChanges());
    form.addEventListener("submit", (event) => this.#submit(event));
    addEventListener("online", () => this.unsaved && !this.#byHand && this.save());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden" && this.unsaved && !this.#byHand) this.save();
    });
    addEventListener("beforeunload", (event) => {
      if (this.unsaved && !this.#leaving) event.preventDefault();
    });
    form.querySelector("[data-let-go]")?.addEventListener("click", () => this.release());
    // A browser may fill in what stood here before a reload.
    if (this.unsaved) this.#schedule();
    this.#dress();
  }

  /** Without its modules, or in a browser that cannot, the plain text area stays. */
  async #dress() {
    try {
      const { dress } = await import("./dress.js");
      this.#surface = dress(this.#form);
      const article = /** @type {HTMLElement | null} */ (this.#form.closest("[data-note]"));
      const { surround } = await import("./note.js");
      if (article) surround(article, this.#form, this);
      setTimeout(() => this.#later().catch(() => {}), READY); // it has to be here when the connection is gone
    } catch {
      // Not reached, or too old to read them.
    }
  }

  /**
   * Change the text as a key would, so that Undo takes it back.
   *
   * @param {number} from
   * @param {number} to
   * @param {string} words
   */
  write(from, to, words) {
    if (this.#surface) return this.#surface.replace(from, to, words);
    const { value } = this.#text;
    this.#text.value = value.slice(0, from) + words + value.slice(to);
    this.#text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #undoChanges() {
    if (this.#opened !== null) this.write(0, this.#text.value.length, this.#opened);
    this.save();
  }

  /** Whether there are words here that the server does not have. */
  get unsaved() {
    return this.#text.value.trim() !== "" && (this.#text.value !== this.#kept || this.#unsure !== null);
  }

  /** Bring into sight what is said about its words and its files. */
  show() {
    this.#fault.parentElement?.scrollIntoView({ block: "nearest" });
  }

  /** Whether there are files for it that the server does not have. */
  get pending() {
    return this.files?.pending ?? false;
  }

  /** Let the page go without asking. */
  release() {
    this.#leaving = true;
    this.files?.release();
  }

  /** Save, and wait for the files on their way. "saved" when all is there, "unattached" when a file is not. */
  async finish() {
    let outcome;
    do {
      outcome = await this.save();
      await this.files?.sent();
    } while (outcome === "saved" && this.unsaved); // typed on meanwhile
    return outcome === "saved" && this.pending ? "unattached" : outcome;
  }

  /** Save all that is here; resolves to "saved", to the server's outcome where that is another, or to "unreachable". */
  async save() {
    let outcome;
    do outcome = await this.#saveOnce();
    while (outcome === "saved" && this.unsaved); // it was what had not been answered, or one typed on meanwhile
    return outcome;
  }

  /** A text whose answer was lost is repeated word for word: the server knows it again, whichever version it names. With
   * other words the old version would be a conflict of the writer with herself. */
  async #saveOnce() {
    clearTimeout(this.#timer);
    while (this.#saving) await this.#saving; // one at a time: each save names the version that the last one made
    if (!this.unsaved) return "saved";
    this.#saving = this.#send(this.#unsure ?? this.#text.value);
    try {
      return await this.#saving;
    } finally {
      this.#saving = null;
    }
  }

  #schedule(delay = PAUSE) {
    clearTimeout(this.#timer);
    if (this.#undo) this.#undo.hidden = this.#opened === null || this.#opened === this.#text.value;
    if (this.#byHand) return;
    this.#say(this.unsaved ? "unsaved" : "");
    if (this.unsaved) this.#timer = setTimeout(() => this.#saveOnce(), delay);
  }

  /** @param {Event} event */
  async #submit(event) {
    if (this.#leaving) return;
    if (this.#byHand) {
      this.release();
      return;
    }
    event.preventDefault();
    if (this.#finishing) return;
    if (this.#text.value.trim() === "" && this.#opened !== null) {
      this.#fault.textContent = this.#fault.dataset.empty ?? "";
      return;
    }
    this.#finishing = true;
    const outcome = await this.finish();
    this.#finishing = false;
    if (outcome === "saved") this.dispatchEvent(new Event("done"));
    else if (outcome === "conflict" || outcome === "gone") {
      this.#leaving = true; // the words go along; about files the browser still asks
      this.#form.submit(); // the server's page shows what can be done
    }
  }

  /**
   * @param {string} text
   * @returns {Promise<string>} the server's outcome, or "unreachable"
   */
  async #send(text, again = true) {
    this.#say("saving");
    let answer;
    try {
      const fields = fieldsOf(this.#form);
      fields.set("text", text);
      const body = fields.toString();
      const response = await fetch(this.#form.action, {
        method: "POST",
        body,
        headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
        keepalive: body.length < KEEPALIVE_BYTES,
        signal: patience(PATIENCE),
      });
      if (response.status >= 500) throw new Error("Nobody is at home, or cannot open the shelf.");
      answer = await response.json();
    } catch {
      this.#unsure = text;
      this.#say("unreachable");
      this.#keepHere();
      this.#timer = setTimeout(() => this.unsaved && this.save(), RETRY);
      return "unreachable";
    }
    if (answer.token && again) {
      renewTokens(answer.token);
      return this.#send(text, false);
    }
    this.#take(answer, text);
    return answer.outcome;
  }

  /**
   * @param {{ outcome: string, message: string, url: string, version: string }} answer
   * @param {string} text what was sent
   */
  #take(answer, text) {
    const saved = answer.outcome === "saved";
    const shut = answer.outcome === "locked" || answer.outcome === "somebody_else";
    if (!shut) this.#unsure = null;
    this.#fault.textContent = saved ? "" : answer.message;
    this.#text.setAttribute("aria-invalid", String(answer.outcome === "refused"));
    if (saved) {
      this.#kept = text;
      this.#form.action = answer.url;
      this.#form.elements.version.value = answer.version;
      this.#say("saved");
      const { url, version } = answer;
      this.#form.dispatchEvent(new CustomEvent("secretly:saved", { bubbles: true, detail: { url, version } }));
      this.#keptHere?.then(({ arrived }) => arrived(this.#form)).catch(() => {});
      this.#keptHere = null;
      if (this.unsaved) this.#schedule(); // typed on meanwhile
    } else {
      this.#say("unsaved");
    }
    this.dispatchEvent(new Event(shut ? "shut" : "contact"));
  }

  /** Should this page close, its words wait on this device, encrypted. A browser that keeps nothing loses nothing more. */
  #keepHere() {
    if (this.#byHand) return;
    this.#keptHere = this.#later();
    this.#keptHere.then(({ keep }) => keep(this.#form)).catch(() => {});
  }

  #later() {
    return import("./later.js");
  }

  /** @param {string} state the name of a sentence in the data of the status; empty for none */
  #say(state) {
    if (this.#status) this.#status.textContent = (state && this.#status.dataset[state]) || "";
  }
}
