// Dresses the form of a note: Markdown is styled while one writes, keys and a toolbar format it, rich text is pasted as
// Markdown. Loaded where something is written, and nowhere else.

import { find } from "../site/dom.js";
import { markdownOf } from "./rich.js";
import { addressAt, ticked } from "./styled.js";
import { possible, Surface } from "./surface.js";
import { begin, enter, insert, LEADS, link, wrap } from "./typing.js";

/** @type {Record<string, (text: string, from: number, to: number) => import("./typing.js").Change>} */
const ACTS = {
  bold: (text, from, to) => wrap(text, from, to, "**"),
  italic: (text, from, to) => wrap(text, from, to, "*"),
  link,
  heading: (text, from, to) => begin(text, from, to, LEADS.heading),
  list: (text, from, to) => begin(text, from, to, LEADS.list),
  task: (text, from, to) => begin(text, from, to, LEADS.task),
  quote: (text, from, to) => begin(text, from, to, LEADS.quote),
};
/** @type {Record<string, string>} */
const KEYS = { b: "bold", i: "italic", k: "link" };

/**
 * @param {HTMLFormElement & { elements: { text: HTMLTextAreaElement } }} form
 * @returns {Surface | null} null: this browser keeps the plain text area
 */
export function dress(form) {
  if (!possible()) return null;
  const surface = new Surface(form.elements.text, enter);
  const page = surface.element;
  /** @param {string} name */
  const act = (name) => surface.apply(ACTS[name](surface.text, ...surface.selection));

  page.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing) return;
    const key = event.key.toLowerCase();
    if (key === "z" || key === "y") {
      event.preventDefault();
      if (key === "y" || event.shiftKey) surface.redo();
      else surface.undo();
    } else if (Object.hasOwn(KEYS, key) && !event.shiftKey) {
      event.preventDefault();
      act(KEYS[key]);
    }
  });
  page.addEventListener("paste", (event) => {
    const html = event.clipboardData?.getData("text/html");
    const markdown = html && markdownOf(html);
    if (!markdown) return; // plain text, and pictures, which the form takes
    event.preventDefault();
    surface.apply(insert(...surface.selection, markdown));
  });
  page.addEventListener("click", (event) => clicked(surface, event));

  const bar = find(HTMLElement, "[data-toolbar]", form);
  if (!bar) return surface;
  bar.hidden = false;
  // The keyboard of a telephone would go away with the focus.
  bar.addEventListener("pointerdown", (event) => event.preventDefault());
  bar.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-format]"));
    if (!button) return;
    if (document.activeElement !== page) surface.focus(...surface.selection);
    act(button.dataset.format ?? "");
  });
  return surface;
}

/**
 * A check box is ticked by a click, a link is followed with the control key.
 *
 * @param {Surface} surface
 * @param {MouseEvent} event
 */
function clicked(surface, event) {
  const target = /** @type {Element} */ (event.target);
  const line = target.closest(".verse");
  if (!line) return;
  const words = line.textContent ?? "";
  if (target.matches(".box")) {
    const start = surface.startOf(line);
    const changed = ticked(words);
    const [from, to] = surface.selection;
    if (changed !== null) surface.apply({ from: start, to: start + words.length, words: changed, select: [from, to] });
  } else if (event.ctrlKey || event.metaKey) {
    const address = addressAt(words, surface.selection[0] - surface.startOf(line));
    if (address) open(address, "_blank", "noopener,noreferrer");
  }
}
