// What has just happened to a note, by its name, with a button that undoes it.

import { need } from "../site/dom.js";
import { tellTimes } from "../site/times.js";

const UNDO = 10_000; // ms to change one's mind; after that there is the trash

export class Toast {
  #root;
  #timer = 0;

  /** @param {HTMLElement} root where it is said */
  constructor(root) {
    this.#root = root;
  }

  /**
   * @param {string} what the name of the sentence: "deleted", "pinned" or "unpinned"
   * @param {HTMLElement} card of the note
   * @param {() => void} undo
   */
  offerUndo(what, card, undo) {
    clearTimeout(this.#timer);
    const template = need(HTMLTemplateElement, `[data-undo-words="${what}"]`);
    const words = document.importNode(template.content, true);
    need(HTMLElement, "[data-title]", words).textContent = `“${card.querySelector("h3")?.textContent?.trim()}”`;
    const when = words.querySelector("time");
    if (when) when.dateTime = card.querySelector("time")?.dateTime ?? "";
    tellTimes(words);
    need(HTMLButtonElement, "button", words).addEventListener("click", () => {
      this.#root.replaceChildren();
      undo();
    });
    this.#root.replaceChildren(words);
    this.#timer = setTimeout(() => this.#root.replaceChildren(), UNDO);
  }
}
