// The notebook's pages with a script: saves while one types, locks on silence. Without it every page still works.

import { find, need } from "../site/dom.js";
import { tellTimes } from "../site/times.js";
import { Attachments } from "./attachments.js";
import { Autolock } from "./autolock.js";
import { Cards } from "./cards.js";
import { Editor, Editors } from "./editor.js";
import { Search } from "./search.js";

/** @typedef {import("./editor.js").Writing} Writing */

const newForm = /** @type {Writing | null} */ (find(HTMLFormElement, "[data-editor]"));
const lockForm = find(HTMLFormElement, "[data-lock]");
const cover = need(HTMLElement, "[data-cover]");
const searchForm = /** @type {HTMLFormElement & { elements: { words: HTMLInputElement } } | null} */ (
  find(HTMLFormElement, "[data-search]")
);
const all = find(HTMLElement, "[data-all]");
const keyboard = need(HTMLDialogElement, "[data-keyboard]");
const unreached = need(HTMLElement, "[data-unreached]");

const editors = new Editors();
const lock = new Autolock({ cover, lockForm, editors, warning: need(HTMLElement, "[data-warning]") });

function contact() {
  unreached.replaceChildren();
  lock.contact();
}

function unreachable() {
  unreached.replaceChildren(need(HTMLTemplateElement, "[data-unreached-words]").content.cloneNode(true));
}

function home() {
  location.assign(cover.dataset.home ?? "/");
}

/**
 * @param {Writing} form
 * @param {(editor: Editor) => void} whenDone
 */
function keepSaved(form, whenDone) {
  const editor = new Editor(form);
  editors.add(editor);
  editor.addEventListener("contact", contact);
  editor.addEventListener("shut", () => lock.shut({ end: false }));
  editor.addEventListener("done", () => whenDone(editor));
  if (form.querySelector("[data-files]")) {
    const files = new Attachments(form, editor);
    files.addEventListener("contact", contact);
    editor.files = files;
  }
  return editor;
}

/**
 * Go once everything is saved and sent. Otherwise stay: the page that is not says why, and not every browser asks.
 *
 * @param {() => void} go
 */
async function leave(go, ready = () => editors.finish()) {
  if ((await ready()) === "saved") go();
  else editors.show();
}

if (newForm) keepSaved(newForm, () => leave(home));

for (const root of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-notes]"))) {
  /** @type {(form: Writing, whenDone: () => Promise<boolean>) => void} */
  const openEditor = (form, whenDone) =>
    keepSaved(form, async (editor) => {
      if (await whenDone()) editors.remove(editor);
    });
  const cards = new Cards({ root, toast: need(HTMLElement, "[data-toast]"), openEditor, leave });
  cards.addEventListener("contact", contact);
  cards.addEventListener("unreachable", unreachable);
}
if (searchForm && all) {
  const found = need(HTMLElement, "[data-found]");
  const search = new Search(searchForm, { all, found, says: need(HTMLElement, "[data-says]"), leave });
  search.addEventListener("contact", contact);
  search.addEventListener("unreachable", unreachable);
}

// A link of the site is followed once the words are saved. Files on their way make the browser ask.
document.addEventListener("click", (event) => {
  const link = /** @type {HTMLAnchorElement | null} */ (/** @type {Element} */ (event.target).closest("a[href]"));
  const plain = !event.defaultPrevented && !event.button && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !plain || !editors.unsaved || link.origin !== location.origin) return;
  const stays = link.target || link.hasAttribute("download") || (link.hash && link.pathname === location.pathname);
  if (stays) return;
  event.preventDefault();
  leave(() => location.assign(link.href), () => editors.save());
});

// Keys. (On a Mac it is the control key as well: there Cmd-L is the address.) ------------------------------------------

/** @type {Record<string, () => void>} */
const withControl = {
  enter: () => writing()?.requestSubmit(),
  l: () => lock.shut({ end: true }),
};
// These can be switched off: whoever speaks to their computer, or hits keys by chance, presses them unawares.
/** @type {Record<string, () => void>} */
const alone = {
  n: () => (all || !document.querySelector("[data-notes]") ? writeNew() : leave(home)),
  "/": () => (searchForm ? searchForm.elements.words.focus() : leave(home)),
  "?": () => keyboard.showModal(),
};

/** The form that is being written in, or the blank page. */
function writing() {
  return /** @type {Writing | null | undefined} */ (document.activeElement?.closest("[data-editor]")) ?? newForm;
}

function writeNew() {
  if (!newForm || newForm.closest("[data-note]")) return leave(home);
  newForm.elements.text.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.metaKey || event.repeat || event.isComposing || !lockForm) return;
  const typing = /** @type {Element} */ (event.target).closest("input, textarea, select, dialog, [contenteditable]");
  const key = event.key.toLowerCase();
  const single = "singleKeys" in keyboard.dataset && !typing && alone[key];
  const act = event.ctrlKey ? !event.shiftKey && withControl[key] : single;
  if (!act) return;
  event.preventDefault();
  act();
});
for (const button of document.querySelectorAll("[data-keys]")) {
  button.removeAttribute("hidden");
  button.addEventListener("click", () => keyboard.showModal());
}
lockForm?.addEventListener("submit", (event) => {
  event.preventDefault();
  lock.shut({ end: true });
});

// The page that comes out of the back-forward cache may be from before it was locked. Words that are only there stay.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (editors.unsaved || editors.pending) lock.recall();
  else location.reload();
});

const visible = newForm?.checkVisibility?.() ?? Boolean(newForm); // Safari cannot tell before version 17.4
// A touch screen would throw its keyboard over the page.
if (newForm && visible && matchMedia("(hover: hover)").matches) {
  const { text } = newForm.elements;
  text.focus({ preventScroll: true });
  text.setSelectionRange(text.value.length, text.value.length);
}
tellTimes(document);
