// A page to write on that shows Markdown styled. It stands in the place of a form's text area, which goes on holding the
// words: whatever happens here, they are there after every key, for the form, for autosave, and where this cannot run.

import { difference, Steps } from "./steps.js";
import { elementOf, kindsOf } from "./styled.js";

/** @typedef {import("./typing.js").Change} Change */

/** Whether this browser tells what a key is about to change (Safari, Chromium, Firefox from 87 on). */
export const possible = () => "getTargetRanges" in InputEvent.prototype;

export class Surface {
  #area; // the text area
  #root = document.createElement("div");
  /** @type {string[]} */
  #keys = []; // of the lines that are shown: kind and words
  #composing = false;
  #steps = new Steps();
  /** @type {(text: string, from: number, to: number) => Change} */
  #enter;

  /**
   * @param {HTMLTextAreaElement} area
   * @param {(text: string, from: number, to: number) => Change} enter what the Enter key does
   */
  constructor(area, enter) {
    this.#area = area;
    this.#enter = enter;
    const focused = document.activeElement === area;
    const root = this.#root;
    root.className = "surface";
    root.contentEditable = "true"; // with "plaintext-only" Chromium does not tell which words a key would delete
    root.setAttribute("role", "textbox");
    root.setAttribute("aria-multiline", "true");
    root.dataset.placeholder = root.ariaLabel = area.labels?.[0]?.textContent?.trim() ?? "";
    root.setAttribute("aria-describedby", area.getAttribute("aria-describedby") ?? "");
    root.spellcheck = true;
    this.#show();
    area.before(root);
    area.classList.add("held");
    area.tabIndex = -1;
    area.setAttribute("aria-hidden", "true");
    area.required = false;
    this.#listen();
    if (focused) this.focus(area.selectionStart, area.selectionEnd);
  }

  get element() {
    return this.#root;
  }

  get text() {
    return this.#area.value;
  }

  /** @returns {[number, number]} where the selection begins and ends; at the end of the text where there is none */
  get selection() {
    const selection = getSelection();
    if (!selection?.rangeCount || !this.#root.contains(selection.anchorNode)) return [this.text.length, this.text.length];
    const range = selection.getRangeAt(0);
    return [this.#offsetOf(range.startContainer, range.startOffset), this.#offsetOf(range.endContainer, range.endOffset)];
  }

  focus(from = this.text.length, to = from) {
    this.#root.focus({ preventScroll: true });
    this.#select(from, to);
  }

  /**
   * Make a change that Undo takes back.
   *
   * @param {Change} change
   */
  apply({ from, to, words, select }) {
    const removed = this.text.slice(from, to);
    this.#steps.remember({ from, removed, added: words, before: this.selection, after: select, when: Date.now() });
    this.#exchange(from, removed.length, words, select);
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {string} words
   */
  replace(from, to, words) {
    const after = from + words.length;
    this.apply({ from, to, words, select: [after, after] });
  }

  /** @param {Element} line whose place in the text is asked for */
  startOf(line) {
    return this.#offsetOf(line, 0);
  }

  // Words -------------------------------------------------------------------------------------------------------------

  /** @param {string} text */
  #put(text) {
    this.#area.value = text;
    this.#show();
    this.#area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Draw what is not drawn yet. */
  #show() {
    const lines = this.text.split("\n");
    const kinds = kindsOf(lines);
    const keys = lines.map((line, at) => `${kinds[at]}\n${line}`);
    const shown = this.#keys;
    const most = Math.min(keys.length, shown.length);
    let head = 0;
    while (head < most && keys[head] === shown[head]) head += 1;
    let tail = 0;
    while (tail < most - head && keys.at(-1 - tail) === shown.at(-1 - tail)) tail += 1;
    const old = [...this.#root.children].slice(head, shown.length - tail);
    const fresh = lines.slice(head, lines.length - tail).map((line, at) => elementOf(line, kinds[head + at]));
    const next = this.#root.children[shown.length - tail] ?? null;
    for (const element of old) element.remove();
    for (const element of fresh) this.#root.insertBefore(element, next);
    this.#keys = keys;
    this.#root.classList.toggle("blank", this.text === "");
  }

  /** Take the words from where the browser has put them by itself, as it does for dictation and input methods. */
  #read(draw = true) {
    const [from, to] = this.selection;
    const lines = [...this.#root.childNodes].map((node) => node.textContent ?? "");
    const text = lines.join("\n");
    const before = this.text;
    if (text !== before) {
      this.#steps.remember(difference(before, text));
      this.#area.value = text;
      this.#area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (!draw) return;
    this.#keys = [];
    this.#root.replaceChildren();
    this.#show();
    this.#select(from, to);
  }

  // Undo --------------------------------------------------------------------------------------------------------------

  undo() {
    const step = this.#steps.undo();
    if (step) this.#exchange(step.from, step.added.length, step.removed, step.before);
  }

  redo() {
    const step = this.#steps.redo();
    if (step) this.#exchange(step.from, step.removed.length, step.added, step.after);
  }

  /**
   * @param {number} from
   * @param {number} length of what is there
   * @param {string} words
   * @param {[number, number]} select
   */
  #exchange(from, length, words, select) {
    const { text } = this;
    this.#put(text.slice(0, from) + words + text.slice(from + length));
    this.#select(...select);
    this.#reveal();
  }

  // Events ------------------------------------------------------------------------------------------------------------

  #listen() {
    const root = this.#root;
    root.addEventListener("beforeinput", (event) => this.#before(event));
    root.addEventListener("input", () => this.#read(!this.#composing)); // only what could not be stopped
    root.addEventListener("compositionstart", () => (this.#composing = true));
    root.addEventListener("compositionend", () => {
      this.#composing = false;
      this.#read();
    });
    root.addEventListener("dragstart", (event) => event.preventDefault());
    for (const type of /** @type {const} */ (["copy", "cut"])) {
      root.addEventListener(type, (event) => this.#copy(event, type === "cut"));
    }
    // Whoever sets or focuses the text area means this.
    this.#area.addEventListener("input", () => {
      const shown = this.#keys.map((key) => key.slice(key.indexOf("\n") + 1)).join("\n");
      if (!this.#composing && this.text !== shown) this.#show();
    });
    this.#area.addEventListener("focus", () => this.focus());
  }

  /** @param {InputEvent} event */
  #before(event) {
    if (event.isComposing || this.#composing || !event.cancelable) return;
    event.preventDefault();
    const type = event.inputType;
    if (type === "historyUndo") return this.undo();
    if (type === "historyRedo") return this.redo();
    const [range] = event.getTargetRanges();
    if (!range) return;
    let from = this.#offsetOf(range.startContainer, range.startOffset);
    const to = this.#offsetOf(range.endContainer, range.endOffset);
    if (type === "insertParagraph" || type === "insertLineBreak") {
      return this.apply(this.#enter(this.text, from, to));
    }
    if (type.startsWith("delete")) {
      if (from === to && from > 0 && type.endsWith("Backward")) from -= 1;
      if (from < to) this.apply({ from, to, words: "", select: [from, from] });
    } else if (type.startsWith("insert")) {
      const words = event.dataTransfer?.getData("text/plain") || event.data || "";
      this.replace(from, to, words.replace(/\r\n?/g, "\n"));
    } // anything else would format, which plain text does not know
  }

  /**
   * @param {ClipboardEvent} event
   * @param {boolean} cut
   */
  #copy(event, cut) {
    const [from, to] = this.selection;
    if (from === to) return;
    event.preventDefault();
    event.clipboardData?.setData("text/plain", this.text.slice(from, to));
    if (cut) this.replace(from, to, "");
  }

  // Places ------------------------------------------------------------------------------------------------------------

  /**
   * Where in the text a place of the page is.
   *
   * @param {Node} node
   * @param {number} offset
   */
  #offsetOf(node, offset) {
    const root = this.#root;
    if (node === root) {
      const before = [...root.childNodes].slice(0, offset).map((line) => (line.textContent ?? "").length + 1);
      return Math.min(this.text.length, before.reduce((sum, length) => sum + length, 0));
    }
    let line = node;
    while (line.parentNode && line.parentNode !== root) line = line.parentNode;
    let at = 0;
    for (let other = line.previousSibling; other; other = other.previousSibling) at += (other.textContent ?? "").length + 1;
    const range = document.createRange();
    range.setStart(line, 0);
    range.setEnd(node, offset);
    return at + range.toString().length;
  }

  /**
   * @param {number} at
   * @returns {[Node, number]}
   */
  #placeOf(at) {
    let left = at;
    for (const line of this.#root.children) {
      const { length } = line.textContent ?? "";
      if (left <= length) return placeIn(line, left);
      left -= length + 1;
    }
    return [this.#root, this.#root.childNodes.length];
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #select(from, to) {
    if (document.activeElement !== this.#root) return;
    getSelection()?.setBaseAndExtent(...this.#placeOf(from), ...this.#placeOf(to));
  }

  /** Bring the place where one writes into sight: a change by a script does not do that. */
  #reveal() {
    const [node] = this.#placeOf(this.selection[1]);
    const element = node instanceof Element ? node : node.parentElement;
    const line = element?.closest(".verse");
    const caret = getSelection()?.getRangeAt(0).getClientRects()[0] ?? line?.getBoundingClientRect();
    if (!line || !caret || document.activeElement !== this.#root) return;
    const bottom = visualViewport?.height ?? innerHeight;
    if (caret.bottom < bottom - 64 && caret.top > 64) return;
    if (line.clientHeight < bottom / 2) line.scrollIntoView({ block: "nearest" });
    else scrollBy(0, caret.bottom - bottom / 2);
  }
}

/**
 * @param {Element} line
 * @param {number} at
 * @returns {[Node, number]}
 */
function placeIn(line, at) {
  const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  let left = at;
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const { length } = /** @type {Text} */ (node);
    if (left <= length) return [node, left];
    left -= length;
  }
  return [line, 0];
}
