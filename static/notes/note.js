// What stands around the text of one note: how it reads, and what hangs on it.

import { find } from "../site/dom.js";
import { patience } from "../site/patience.js";
import { ticked } from "./styled.js";

/** @typedef {HTMLFormElement & { elements: { text: HTMLTextAreaElement } }} Writing */

/**
 * The editor of the note, as this needs it.
 *
 * @typedef {object} Words
 * @property {() => Promise<string>} save
 * @property {(from: number, to: number, words: string) => void} write
 */

/**
 * @param {HTMLElement} article
 * @param {Writing} form
 * @param {Words} editor
 */
export function surround(article, form, editor) {
  const byHand = find(HTMLElement, ".by-hand", article);
  if (byHand) byHand.hidden = true; // the editor has its own
  const { text } = form.elements;
  const reading = find(HTMLDetailsElement, "[data-reading]", article);
  reading?.addEventListener("toggle", async () => {
    let shown = ""; // until what was fetched is what is written: somebody may tick or type meanwhile
    do {
      if (!reading.open || (await editor.save()) !== "saved") return;
      shown = text.value;
    } while (!(await renew(article, form.action, "[data-reading] .prose", () => shown === text.value)));
  });
  form.addEventListener("attached", () => renew(article, form.action, "[data-attached]"));
  article.addEventListener("click", (event) => {
    const box = /** @type {Element} */ (event.target).closest(".prose .tick");
    if (!(box instanceof HTMLButtonElement)) return;
    event.preventDefault();
    tick(box, text.value, editor);
  });
}

/**
 * @param {HTMLButtonElement} box
 * @param {string} text
 * @param {Words} editor
 */
function tick(box, text, editor) {
  const lines = text.split("\n");
  const at = Number(box.value);
  const changed = ticked(lines[at] ?? "");
  if (changed === null) return;
  const from = lines.slice(0, at).reduce((sum, line) => sum + line.length + 1, 0);
  editor.write(from, from + lines[at].length, changed);
  editor.save();
  box.setAttribute("aria-checked", box.getAttribute("aria-checked") === "true" ? "false" : "true");
}

/**
 * Show a part of the note as the server has it now. Resolves to false where that is not what is `wanted` any more.
 *
 * @param {HTMLElement} article
 * @param {string} address
 * @param {string} part
 */
async function renew(article, address, part, wanted = () => true) {
  const response = await fetch(address, { signal: patience(20_000) }).catch(() => null);
  if (!response?.ok || response.redirected) return true;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!wanted()) return false;
  const fresh = page.querySelector(part);
  if (fresh) article.querySelector(part)?.replaceWith(document.adoptNode(fresh));
  return true;
}
