// The list of notes with a script: edit in place, tick, pin, delete with Undo, and older notes as one scrolls.
// Every button is one of a form that works without all this.

import { fieldsOf, find, need } from "../site/dom.js";
import { patience } from "../site/patience.js";
import { tellTimes } from "../site/times.js";

const UNDO = 10_000; // ms to change one's mind; after that there is the trash
const SWIPE = 96; // px to the side, and twice as far as up or down, is meant
const AHEAD = "600px"; // how far below the screen older notes are fetched

/**
 * Fetch a page of the notebook. null: the server has answered something else, and the browser may go and see it.
 * undefined: nobody answered, and a browser that went there would leave this page for nothing.
 *
 * @param {string} address
 * @param {RequestInit} [options]
 */
export async function fetchPage(address, options = {}) {
  try {
    const response = await fetch(address, { signal: patience(20_000), ...options });
    if (!response.ok || response.redirected) return null;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return undefined;
  }
}

/**
 * @typedef {HTMLFormElement & { elements: Record<"version" | "back", HTMLInputElement> }} CardForm
 * @typedef {HTMLButtonElement} Button
 * @typedef {import("./editor.js").Writing} Writing
 */

/**
 * The card that a part of it, or a form in its place, belongs to.
 *
 * @param {Element} part
 */
const cardOf = (part) => /** @type {HTMLElement} */ (part.closest(".card"));

export class Cards extends EventTarget {
  #root;
  #toast;
  #openEditor;
  #leave;
  #undo = 0;
  #moved = false; // a note was deleted, so that older ones have moved up, from one page of the list into another

  /**
   * @param {object} page
   * @param {HTMLElement} page.root where the notes are
   * @param {HTMLElement} page.toast where Undo is offered
   * @param {(form: Writing, whenDone: () => Promise<boolean>) => void} page.openEditor makes a form save itself until
   *   `whenDone` says that it is gone
   * @param {(go: () => void) => Promise<void>} page.leave saves what is being written, then goes
   */
  constructor({ root, toast, openEditor, leave }) {
    super();
    this.#root = root;
    this.#toast = toast;
    this.#openEditor = openEditor;
    this.#leave = leave;
    root.addEventListener("submit", (event) => this.#submit(event));
    root.addEventListener("click", (event) => this.#click(event));
    this.#watchSwipes();
    this.#watchEnd();
  }

  // Buttons -----------------------------------------------------------------------------------------------------------

  /** @param {SubmitEvent} event */
  async #submit(event) {
    const form = /** @type {CardForm} */ (event.target);
    const button = /** @type {Button | null} */ (event.submitter);
    if (!form.matches("[data-card]") || !button) return;
    event.preventDefault();
    if (button.disabled || form.dataset.busy !== undefined) return;
    form.dataset.busy = "";
    const outcome = await this.#send(form, button);
    delete form.dataset.busy;
    if (outcome === "elsewhere") this.#leave(() => this.#fallBack(form, button));
    if (outcome === "unreachable") this.#unreachable(cardOf(form));
  }

  /** @param {HTMLElement} card */
  #unreachable(card) {
    this.#putBack(card);
    this.dispatchEvent(new Event("unreachable"));
  }

  /** @param {HTMLElement} card */
  #putBack(card) {
    card.classList.remove("away");
    card.style.removeProperty("--pulled");
  }

  /**
   * The server's own page then says what is wrong.
   *
   * @param {CardForm} form
   * @param {Button} button
   */
  #fallBack(form, button) {
    const copy = document.createElement("input");
    Object.assign(copy, { type: "hidden", name: button.name, value: button.value });
    if (button.name) form.append(copy);
    if (button.hasAttribute("formaction")) form.action = button.formAction;
    HTMLFormElement.prototype.submit.call(form);
  }

  /**
   * "done"; "elsewhere": the server has a page about it; "unreachable": nobody answered.
   *
   * @param {CardForm} form
   * @param {Button} button
   */
  async #send(form, button) {
    const body = fieldsOf(form);
    if (button.name) body.append(button.name, button.value); // Safari's FormData took no button until version 16.4
    const address = button.hasAttribute("formaction") ? button.formAction : form.action;
    let answer;
    try {
      const response = await fetch(address, {
        method: "POST",
        body,
        headers: { Accept: "application/json" },
        signal: patience(20_000),
      });
      if (response.redirected) return "elsewhere";
      answer = await response.json();
    } catch (error) {
      return error instanceof SyntaxError ? "elsewhere" : "unreachable"; // a page is no JSON
    }
    this.dispatchEvent(new Event("contact"));
    if (answer.outcome === "saved") this.#ticked(form, button, answer.version);
    else if (answer.outcome === "deleted") this.#deleted(form, answer.restore);
    else if (answer.outcome === "pinned") this.#leave(() => location.reload());
    else return "elsewhere";
    return "done";
  }

  /**
   * @param {CardForm} form
   * @param {Button} button
   * @param {string} version
   */
  #ticked(form, button, version) {
    button.setAttribute("aria-checked", button.getAttribute("aria-checked") === "true" ? "false" : "true");
    form.elements.version.value = version;
  }

  /**
   * @param {CardForm} form
   * @param {string} restore where to ask for it back
   */
  #deleted(form, restore) {
    this.#moved = true;
    const card = cardOf(form);
    const next = card.nextElementSibling ?? card.previousElementSibling;
    card.hidden = true;
    (next && find(HTMLElement, "a, button", next) || find(HTMLElement, "#text"))?.focus({ preventScroll: true });
    this.#offerUndo(async () => {
      const body = fieldsOf(form);
      const response = await fetch(restore, { method: "POST", body, headers: { Accept: "application/json" } }).catch(
        () => null,
      );
      if (!response) this.#unreachable(card);
      if (!response?.ok) return;
      card.hidden = false;
      this.#putBack(card);
      card.querySelector("a")?.focus();
    });
  }

  /** @param {() => void} undo */
  #offerUndo(undo) {
    clearTimeout(this.#undo);
    const words = document.importNode(need(HTMLTemplateElement, "[data-undo-words]").content, true);
    need(HTMLButtonElement, "button", words).addEventListener("click", () => {
      this.#toast.replaceChildren();
      undo();
    });
    this.#toast.replaceChildren(words);
    this.#undo = setTimeout(() => this.#toast.replaceChildren(), UNDO);
  }

  // In place ----------------------------------------------------------------------------------------------------------

  /** @param {MouseEvent} event */
  #click(event) {
    const edit = /** @type {HTMLAnchorElement | null} */ (
      /** @type {Element} */ (event.target).closest("[data-edit]")
    );
    if (!edit || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#edit(/** @type {CardForm} */ (edit.closest("[data-card]")), edit.href);
  }

  /**
   * @param {CardForm} card
   * @param {string} address of the page with the form
   */
  async #edit(card, address) {
    if (card.dataset.busy !== undefined) return; // a double click
    card.dataset.busy = "";
    const page = await fetchPage(address);
    delete card.dataset.busy;
    if (page === undefined) return this.#unreachable(cardOf(card));
    const form = /** @type {Writing | null | undefined} */ (page?.querySelector("[data-editor]"));
    if (!form) return this.#leave(() => location.assign(address));
    this.dispatchEvent(new Event("contact"));
    document.adoptNode(form);
    for (const part of form.querySelectorAll("[id]")) {
      const id = `${part.id}-${cardOf(card).id}`; // the blank page above has the plain names
      form.querySelector(`label[for="${part.id}"]`)?.setAttribute("for", id);
      form.querySelector(`[aria-describedby="${part.id}"]`)?.setAttribute("aria-describedby", id);
      part.id = id;
    }
    card.hidden = true;
    card.after(form);
    const { text } = form.elements;
    this.#openEditor(form, () => this.#leaveEdit(card, form, address));
    text.focus();
    text.setSelectionRange(text.value.length, text.value.length);
  }

  /**
   * Show the note in the place of its form, which is closed meanwhile: nothing can be written or attached any more.
   *
   * @param {CardForm} card
   * @param {Writing} form
   * @param {string} address
   */
  async #leaveEdit(card, form, address) {
    form.inert = true;
    const page = await fetchPage(`${address.split("#")[0]}?card`);
    form.inert = false;
    const fresh = page?.querySelector(".card");
    if (!fresh) {
      if (page === undefined) this.#unreachable(cardOf(card));
      else this.#leave(() => location.reload());
      return false;
    }
    document.adoptNode(fresh);
    need(HTMLInputElement, "[name=back]", fresh).value = card.elements.back.value;
    tellTimes(fresh);
    form.remove();
    cardOf(card).replaceWith(fresh);
    need(HTMLElement, "[data-edit]", fresh).focus();
    return true;
  }

  // Sideways ----------------------------------------------------------------------------------------------------------

  #watchSwipes() {
    /** @type {{ card: HTMLElement, x: number, y: number } | null} */
    let start = null;
    /** @param {PointerEvent} event */
    const pulled = (event) => event.clientX - (start?.x ?? event.clientX);
    this.#root.addEventListener("pointerdown", (event) => {
      const target = /** @type {Element} */ (event.target);
      const card = cardOf(target);
      if (event.pointerType === "touch" && card && !target.closest("textarea, input")) {
        start = { card, x: event.clientX, y: event.clientY };
      }
    });
    this.#root.addEventListener("pointermove", (event) => {
      if (start && Math.abs(pulled(event)) > 12) start.card.style.setProperty("--pulled", `${pulled(event)}px`);
    });
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
      this.#root.addEventListener(type, (event) => {
        if (!start) return;
        const { card, y } = start;
        const far = Math.abs(pulled(event)) > SWIPE && Math.abs(pulled(event)) > 2 * Math.abs(event.clientY - y);
        start = null;
        if (type === "pointerup" && far) {
          card.classList.add("away");
          need(HTMLButtonElement, "[data-delete]", card).click();
        } else card.style.removeProperty("--pulled");
      });
    }
  }

  // Older notes -------------------------------------------------------------------------------------------------------

  /** @param {string} shown the address of the last page that is shown */
  #watchEnd(shown = location.href) {
    const pages = this.#root.querySelector("[data-pages]");
    const next = pages && find(HTMLAnchorElement, "[rel=next]", pages);
    if (!next) return;
    const watch = new IntersectionObserver(
      async ([entry]) => {
        if (!entry.isIntersecting) return;
        watch.disconnect();
        let page;
        do {
          const addresses = this.#moved ? [shown, next.href] : [next.href];
          this.#moved = false;
          for (const address of addresses) {
            page = await fetchPage(address);
            if (!page) return; // the link is still there
            this.#append(page);
          }
        } while (this.#moved); // while they came
        const more = page?.querySelector("[data-pages]");
        more?.querySelector("[rel=prev]")?.remove();
        if (more) pages.replaceWith(document.adoptNode(more));
        else pages.remove();
        this.#watchEnd(next.href);
      },
      { rootMargin: AHEAD },
    );
    watch.observe(pages);
  }

  /** @param {Document} page */
  #append(page) {
    this.dispatchEvent(new Event("contact"));
    for (const card of page.querySelectorAll("[data-all] .card")) {
      if (document.getElementById(card.id)) continue; // it is here already, or was deleted and can still be undone
      document.adoptNode(card);
      tellTimes(card);
      need(HTMLElement, "[data-all] .notes", this.#root).append(card);
    }
  }
}
