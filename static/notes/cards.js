// The list of notes with a script: new and changed notes are shown at once, notes are pinned and deleted with Undo, and
// older ones come as one scrolls. Every button is one of a form that works without all this.

import { fieldsOf, find, need } from "../site/dom.js";
import { patience } from "../site/patience.js";
import { tellTimes } from "../site/times.js";
import { fetchPage } from "./pages.js";

const AHEAD = "600px"; // how far below the screen older notes are fetched

/**
 * @typedef {HTMLFormElement & { elements: Record<"version", HTMLInputElement> }} CardForm
 * @typedef {HTMLButtonElement} Button
 */

/** @param {string} pk */
export const cardOf = (pk) => find(HTMLElement, `#n-${CSS.escape(pk)}`);

/** @param {Element} card */
const whenOf = (card) => card.querySelector("time")?.dateTime ?? "";

export class Cards extends EventTarget {
  #root;
  #notes;
  #toast;
  #leave;
  #moved = false; // a note was deleted, so that older ones have moved up, from one page of the list into another

  /**
   * @param {object} page
   * @param {HTMLElement} page.root the list
   * @param {import("./toast.js").Toast} page.toast
   * @param {(go: () => unknown) => Promise<void>} page.leave saves what is being written, then goes
   */
  constructor({ root, toast, leave }) {
    super();
    this.#root = root;
    this.#notes = find(HTMLElement, "[data-all] .notes", root);
    this.#toast = toast;
    this.#leave = leave;
    document.addEventListener("submit", (event) => this.#submit(event));
    root.addEventListener("keydown", (event) => this.#walk(event));
    this.#watchEnd();
  }

  // Buttons -----------------------------------------------------------------------------------------------------------

  /** @param {SubmitEvent} event */
  async #submit(event) {
    const form = /** @type {CardForm} */ (event.target);
    const button = /** @type {Button | null} */ (event.submitter);
    if (!form.matches("[data-card]") || !button || button.formAction.includes("/detach/")) return;
    event.preventDefault();
    if (button.disabled || form.dataset.busy !== undefined) return;
    form.dataset.busy = "";
    await this.#leave(() => this.#act(form, button)); // once the note is saved: what is done, is done to all of it
    delete form.dataset.busy;
  }

  /**
   * @param {CardForm} form
   * @param {Button} button
   */
  async #act(form, button) {
    const answer = await this.#send(button.hasAttribute("formaction") ? button.formAction : form.action, form, button);
    if (answer === undefined) return void this.dispatchEvent(new Event("unreachable"));
    const card = cardOf(form.closest("[data-note]")?.getAttribute("data-note") ?? "");
    if (answer?.outcome === "saved") this.#ticked(form, button, answer.version);
    else if (answer?.outcome === "deleted" && card) this.#deleted(card, answer.restore);
    else if (answer?.outcome === "pinned" && card) this.#pinned(form, button, card);
    else this.#leave(() => this.#fallBack(form, button));
  }

  /**
   * Move a note to the trash that is not open.
   *
   * @param {HTMLElement} card
   */
  async delete(card) {
    const form = /** @type {CardForm} */ (need(HTMLFormElement, "[data-act]", this.#root));
    form.elements.version.value = card.dataset.version ?? "";
    const address = `${need(HTMLAnchorElement, "a", card).pathname}delete/`;
    const answer = await this.#send(address, form);
    if (answer?.outcome === "deleted") return this.#deleted(card, answer.restore);
    card.classList.remove("away");
    if (answer === undefined) return void this.dispatchEvent(new Event("unreachable"));
    this.#leave(() => {
      form.action = address;
      HTMLFormElement.prototype.submit.call(form);
    });
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
   * The answer; null where it is a page, undefined where nobody answered.
   *
   * @param {string} address
   * @param {HTMLFormElement} form
   * @param {Button} [button]
   */
  async #send(address, form, button) {
    const body = fieldsOf(form);
    if (button?.name) body.append(button.name, button.value); // Safari's FormData took no button until version 16.4
    try {
      const headers = { Accept: "application/json" };
      const response = await fetch(address, { method: "POST", body, headers, signal: patience(20_000) });
      if (response.redirected) return null;
      const answer = await response.json();
      this.dispatchEvent(new Event("contact"));
      return answer;
    } catch (error) {
      return error instanceof SyntaxError ? null : undefined; // a page is no JSON
    }
  }

  /**
   * @param {CardForm} form
   * @param {Button} button
   * @param {string} version
   */
  #ticked(form, button, version) {
    button.setAttribute("aria-checked", button.getAttribute("aria-checked") === "true" ? "false" : "true");
    const note = need(HTMLElement, "[data-note]", document);
    for (const field of note.querySelectorAll("[name=version]")) field.setAttribute("value", version);
    const text = find(HTMLTextAreaElement, "[data-editor] textarea", note);
    if (text) {
      const lines = text.value.split("\n");
      const mark = button.getAttribute("aria-checked") === "true" ? "x" : " ";
      lines[Number(button.value)] = lines[Number(button.value)].replace(/\[[ xX]\]/, `[${mark}]`);
      text.value = lines.join("\n");
    }
    this.refresh(form.action.replace(/tick\/$/, ""), version);
  }

  /**
   * @param {HTMLElement} card
   * @param {string} restore where to ask for it back
   */
  #deleted(card, restore) {
    this.#moved = true;
    const next = card.nextElementSibling ?? card.previousElementSibling;
    card.hidden = true;
    this.dispatchEvent(new CustomEvent("gone", { detail: card }));
    if (next && !document.activeElement?.closest("[data-pane]")) next.querySelector("a")?.focus({ preventScroll: true });
    const form = need(HTMLFormElement, "[data-act]", this.#root);
    this.#toast.offerUndo("deleted", card, async () => {
      const answer = await this.#send(restore, form);
      if (answer === undefined) this.dispatchEvent(new Event("unreachable"));
      if (answer?.outcome !== "restored") return;
      card.hidden = false;
      card.classList.remove("away");
      card.style.removeProperty("--pulled");
      this.#show(card);
      card.querySelector("a")?.focus();
    });
  }

  /**
   * @param {CardForm} form
   * @param {Button} button
   * @param {HTMLElement} card
   */
  async #pinned(form, button, card) {
    const pinned = button.value === "1";
    const note = /** @type {HTMLElement} */ (form.closest("[data-note]"));
    const address = need(HTMLAnchorElement, "a", card).href;
    const page = await fetchPage(`${address}?pane`);
    const actions = page?.querySelector(".note-actions");
    if (actions) note.querySelector(".note-actions")?.replaceWith(document.adoptNode(actions));
    tellTimes(note);
    const again = find(HTMLButtonElement, "[data-pin]", note);
    again?.focus({ preventScroll: true });
    const moved = await this.refresh(address);
    this.#toast.offerUndo(pinned ? "pinned" : "unpinned", moved ?? card, () => again?.click());
  }

  // Rows --------------------------------------------------------------------------------------------------------------

  /**
   * Show a note as it is now, in its place; a new one, and one that has moved, so that it is seen.
   *
   * @param {string} address of the note
   * @param {string} [version] as which it was saved
   */
  async refresh(address, version) {
    if (!this.#notes) return null;
    const page = await fetchPage(`${address}?card`);
    const fresh = find(HTMLElement, ".card", page ?? new DocumentFragment());
    if (!fresh) return null;
    const old = cardOf(fresh.id.slice(2));
    if (old && version && Number(old.dataset.version) > Number(version)) return old; // a later one was quicker
    document.adoptNode(fresh);
    tellTimes(fresh);
    const current = old?.querySelector("[aria-current]");
    if (current) fresh.querySelector("a")?.setAttribute("aria-current", "true");
    const stays = old && old.classList.contains("pinned") === fresh.classList.contains("pinned");
    if (stays) old.replaceWith(fresh);
    else {
      old?.remove();
      this.#insert(fresh);
      this.#show(fresh);
    }
    find(HTMLElement, ".first", this.#root)?.remove();
    return fresh;
  }

  /**
   * Pinned notes first, then by their time.
   *
   * @param {HTMLElement} fresh
   */
  #insert(fresh) {
    const pinned = fresh.classList.contains("pinned");
    const rows = [.../** @type {HTMLElement} */ (this.#notes).children];
    const after = rows.find((row) => {
      const above = row.classList.contains("pinned");
      return above === pinned ? whenOf(row) < whenOf(fresh) : pinned;
    });
    if (after) after.before(fresh);
    else if (!find(HTMLElement, "[data-pages] [rel=next]", this.#root)) this.#notes?.append(fresh);
  }

  /** @param {HTMLElement} card */
  #show(card) {
    card.classList.add("arrived");
    card.scrollIntoView({ block: "nearest" });
    card.addEventListener("animationend", () => card.classList.remove("arrived"), { once: true });
  }

  /**
   * Up and down the list.
   *
   * @param {KeyboardEvent} event
   */
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = /** @type {HTMLElement[]} */ ([...this.#root.querySelectorAll(".card:not([hidden]) a")]);
    const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (!step || at < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    links[at + step]?.focus();
  }

  // Older notes -------------------------------------------------------------------------------------------------------

  /** @param {string} shown the address of the last page that is shown */
  #watchEnd(shown = location.href) {
    const pages = this.#root.querySelector("[data-pages]");
    const next = pages && find(HTMLAnchorElement, "[rel=next]", pages);
    if (!next) return;
    const scrolls = getComputedStyle(this.#root).overflowY === "auto";
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
      { rootMargin: AHEAD, root: scrolls ? this.#root : null },
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
      this.#notes?.append(card);
    }
  }
}
