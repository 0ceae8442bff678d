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
  const reading = find(HTMLDetailsElement, "[data-reading]", article);
  reading?.addEventListener("toggle", async () => {
    if (reading.open && (await editor.save()) === "saved") await renew(article, form.action, "[data-reading] .prose");
  });
  form.addEventListener("attached", () => renew(article, form.action, "[data-attached]"));
  article.addEventListener("click", (event) => {
    const box = /** @type {Element} */ (event.target).closest(".prose .tick");
    if (!(box instanceof HTMLButtonElement)) return;
    event.preventDefault();
    tick(box, form.elements.text.value, editor);
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
  box.setAttribute("aria-checked", box.getAttribute("aria-checked") === "true" ? "false" : "true");
}

/**
 * Show a part of the note as the server has it now.
 *
 * @param {HTMLElement} article
 * @param {string} address
 * @param {string} part
 */
async function renew(article, address, part) {
  const response = await fetch(address, { signal: patience(20_000) }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector(part);
  if (fresh) article.querySelector(part)?.replaceWith(document.adoptNode(fresh));
}
