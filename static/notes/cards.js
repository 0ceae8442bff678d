// The list of notes with a script: edit in place, tick, pin, delete with Undo, and older notes as one scrolls.
// Every button is one of a form that works without all this.

import { patience } from "../site/patience.js";
import { tellTimes } from "../site/times.js";

const UNDO = 10_000; // ms to change one's mind; after that there is the trash
const SWIPE = 96; // px to the side, and twice as far as up or down, is meant
const AHEAD = "600px"; // how far below the screen older notes are fetched

/** Fetch a page of the notebook. null: the server has answered something else, and the browser may go and see it.
 * undefined: nobody answered, and a browser that went there would leave this page for nothing. */
export async function fetchPage(address, options = {}) {
  try {
    const response = await fetch(address, { signal: patience(20_000), ...options });
    if (!response.ok || response.redirected) return null;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return undefined;
  }
}

export class Cards extends EventTarget {
  #root;
  #toast;
  #openEditor;
  #leave;
  #undo = 0;
  #moved = false; // a note was deleted, so that older ones have moved up, from one page of the list into another

  /** `openEditor(form, whenDone)` makes a form save itself until `whenDone` says that it is gone. `leave(go)` saves what is
   * being written, then goes. */
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

  async #submit(event) {
    const form = event.target;
    const button = event.submitter;
    if (!form.matches("[data-card]") || !button) return;
    event.preventDefault();
    if (button.disabled || form.dataset.busy !== undefined) return;
    form.dataset.busy = "";
    const outcome = await this.#send(form, button);
    delete form.dataset.busy;
    if (outcome === "elsewhere") this.#leave(() => this.#fallBack(form, button));
    if (outcome === "unreachable") this.#unreachable(form.closest(".card"));
  }

  #unreachable(card) {
    this.#putBack(card);
    this.dispatchEvent(new Event("unreachable"));
  }

  #putBack(card) {
    card.classList.remove("away");
    card.style.removeProperty("--pulled");
  }

  /** The server's own page then says what is wrong. */
  #fallBack(form, button) {
    const copy = document.createElement("input");
    Object.assign(copy, { type: "hidden", name: button.name, value: button.value });
    if (button.name) form.append(copy);
    if (button.hasAttribute("formaction")) form.action = button.formAction;
    HTMLFormElement.prototype.submit.call(form);
  }

  /** "done"; "elsewhere": the server has a page about it; "unreachable": nobody answered. */
  async #send(form, button) {
    const body = new URLSearchParams(new FormData(form));
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

  #ticked(form, button, version) {
    button.setAttribute("aria-checked", button.getAttribute("aria-checked") === "true" ? "false" : "true");
    form.elements.version.value = version;
  }

  #deleted(form, restore) {
    this.#moved = true;
    const card = form.closest(".card");
    const next = card.nextElementSibling ?? card.previousElementSibling;
    card.hidden = true;
    (next?.querySelector("a, button") ?? document.querySelector("#text"))?.focus({ preventScroll: true });
    this.#offerUndo(async () => {
      const body = new URLSearchParams(new FormData(form));
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

  #offerUndo(undo) {
    clearTimeout(this.#undo);
    const words = document.querySelector("[data-undo-words]").content.cloneNode(true);
    words.querySelector("button").addEventListener("click", () => {
      this.#toast.replaceChildren();
      undo();
    });
    this.#toast.replaceChildren(words);
    this.#undo = setTimeout(() => this.#toast.replaceChildren(), UNDO);
  }

  // In place ----------------------------------------------------------------------------------------------------------

  #click(event) {
    const edit = event.target.closest("[data-edit]");
    if (!edit || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#edit(edit.closest("[data-card]"), edit.href);
  }

  async #edit(card, address) {
    if (card.dataset.busy !== undefined) return; // a double click
    card.dataset.busy = "";
    const page = await fetchPage(address);
    delete card.dataset.busy;
    if (page === undefined) return this.#unreachable(card.closest(".card"));
    const form = page?.querySelector("[data-editor]");
    if (!form) return this.#leave(() => location.assign(address));
    this.dispatchEvent(new Event("contact"));
    document.adoptNode(form);
    for (const part of form.querySelectorAll("[id]")) {
      const id = `${part.id}-${card.closest(".card").id}`; // the blank page above has the plain names
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

  /** Show the note in the place of its form, which is closed meanwhile: nothing can be written or attached any more. */
  async #leaveEdit(card, form, address) {
    form.inert = true;
    const page = await fetchPage(`${address.split("#")[0]}?card`);
    form.inert = false;
    const fresh = page?.querySelector(".card");
    if (!fresh) {
      if (page === undefined) this.#unreachable(card.closest(".card"));
      else this.#leave(() => location.reload());
      return false;
    }
    document.adoptNode(fresh);
    fresh.querySelector("[name=back]").value = card.elements.back.value;
    tellTimes(fresh);
    form.remove();
    card.closest(".card").replaceWith(fresh);
    fresh.querySelector("[data-edit]").focus();
    return true;
  }

  // Sideways ----------------------------------------------------------------------------------------------------------

  #watchSwipes() {
    let start = null;
    const pulled = (event) => event.clientX - start.x;
    this.#root.addEventListener("pointerdown", (event) => {
      const card = event.target.closest(".card");
      if (event.pointerType === "touch" && card && !event.target.closest("textarea, input")) {
        start = { card, x: event.clientX, y: event.clientY };
      }
    });
    this.#root.addEventListener("pointermove", (event) => {
      if (start && Math.abs(pulled(event)) > 12) start.card.style.setProperty("--pulled", `${pulled(event)}px`);
    });
    for (const type of ["pointerup", "pointercancel"]) {
      this.#root.addEventListener(type, (event) => {
        if (!start) return;
        const { card, y } = start;
        const far = Math.abs(pulled(event)) > SWIPE && Math.abs(pulled(event)) > 2 * Math.abs(event.clientY - y);
        start = null;
        if (type === "pointerup" && far) {
          card.classList.add("away");
          card.querySelector("[data-delete]").click();
        } else card.style.removeProperty("--pulled");
      });
    }
  }

  // Older notes -------------------------------------------------------------------------------------------------------

  /** `shown` is the address of the last page that is shown. */
  #watchEnd(shown = location.href) {
    const pages = this.#root.querySelector("[data-pages]");
    const next = pages?.querySelector("[rel=next]");
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
        const more = page.querySelector("[data-pages]");
        more?.querySelector("[rel=prev]")?.remove();
        more ? pages.replaceWith(document.adoptNode(more)) : pages.remove();
        this.#watchEnd(next.href);
      },
      { rootMargin: AHEAD },
    );
    watch.observe(pages);
  }

  #append(page) {
    this.dispatchEvent(new Event("contact"));
    for (const card of page.querySelectorAll("[data-all] .card")) {
      if (document.getElementById(card.id)) continue; // it is here already, or was deleted and can still be undone
      document.adoptNode(card);
      tellTimes(card);
      this.#root.querySelector("[data-all] .notes").append(card);
    }
  }
}
