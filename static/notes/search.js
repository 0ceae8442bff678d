// Search as one types. What was found stands in the place of the list until the words are gone.

import { fieldsOf } from "../site/dom.js";
import { tellTimes } from "../site/times.js";
import { fetchPage } from "./pages.js";

const PAUSE = 200; // ms without a key

export class Search extends EventTarget {
  #form;
  #all;
  #found;
  #says;
  #leave;
  #timer = 0;
  /** @type {AbortController | null} */
  #asked = null;

  /**
   * @param {HTMLFormElement & { elements: { words: HTMLInputElement } }} form
   * @param {object} page
   * @param {HTMLElement} page.all the list of notes
   * @param {HTMLElement} page.found what was found stands here
   * @param {HTMLElement} page.says how much that is
   * @param {(go: () => void) => Promise<void>} page.leave saves what is being written, then goes
   */
  constructor(form, { all, found, says, leave }) {
    super();
    this.#form = form;
    this.#all = all;
    this.#found = found;
    this.#says = says;
    this.#leave = leave;
    form.elements.words.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#ask(), PAUSE);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(this.#timer);
      const tag = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value;
      if (tag) form.elements.words.value = tag;
      this.#ask();
    });
    if (form.elements.words.value) this.#ask(); // filled in by the browser
  }

  async #ask() {
    this.#asked?.abort();
    if (this.#form.elements.words.value.trim() === "") return this.#show(null);
    this.#asked = new AbortController();
    const { signal } = this.#asked;
    const page = await fetchPage(this.#form.action, {
      method: "POST",
      body: fieldsOf(this.#form),
      signal,
    });
    if (signal.aborted) return;
    if (page === undefined) return this.dispatchEvent(new Event("unreachable"));
    const results = page?.querySelector("[data-results]");
    if (!results) return this.#leave(() => this.#form.submit()); // the server's own page says why
    this.dispatchEvent(new Event("contact"));
    this.#show(results);
  }

  /** @param {Element | null} results */
  #show(results) {
    this.#all.hidden = results !== null;
    this.#found.hidden = results === null;
    const count = results?.querySelector("[data-count]");
    this.#says.textContent = count?.textContent ?? "";
    count?.remove();
    this.#found.replaceChildren(...(results ? [...results.children].map((part) => document.adoptNode(part)) : []));
    tellTimes(this.#found);
  }
}
