// The notebook's pages with a script: saves while one types, locks on silence. Without it every page still works.

import { find, need } from "../site/dom.js";
import { tellTimes } from "../site/times.js";
import { Autolock } from "./autolock.js";
import { Cards } from "./cards.js";
import { Editors } from "./editors.js";
import { Pane } from "./pane.js";
import { Search } from "./search.js";
import { watchSwipes } from "./swipes.js";
import { Toast } from "./toast.js";
import { focusText, openNote } from "./writing.js";

/** @typedef {import("./editor.js").Writing} Writing */

const lockForm = find(HTMLFormElement, "[data-lock]");
const cover = need(HTMLElement, "[data-cover]");
const searchForm = /** @type {HTMLFormElement & { elements: { words: HTMLInputElement } } | null} */ (
  find(HTMLFormElement, "[data-search]")
);
const list = find(HTMLElement, "[data-notes]");
const all = find(HTMLElement, "[data-all]");
const paneRoot = find(HTMLElement, "[data-pane]");
const menu = find(HTMLDetailsElement, "[data-menu]");
const keyboard = need(HTMLDialogElement, "[data-keyboard]");
const unreached = need(HTMLElement, "[data-unreached]");
const home = cover.dataset.home ?? "/";

const editors = new Editors();
const lock = new Autolock({ cover, lockForm, editors, warning: need(HTMLElement, "[data-warning]") });

function contact() {
  unreached.replaceChildren();
  lock.contact();
}

function unreachable() {
  unreached.replaceChildren(need(HTMLTemplateElement, "[data-unreached-words]").content.cloneNode(true));
}

/**
 * Go once everything is saved and sent. Otherwise stay: the page that is not says why, and not every browser asks.
 *
 * @param {() => unknown} go
 */
async function leave(go, ready = () => editors.finish()) {
  if ((await ready()) === "saved") await go();
  else editors.show();
}

/** @type {Cards | null} */
let cards = null;
/** @type {Pane | null} */
let pane = null;
/** @type {import("./editor.js").Editor | null} */
let open = null; // the note in the pane
const shut = () => lock.shut({ end: false });
const goHome = () => void (pane ? pane.open(home) : leave(() => location.assign(home)));

if (list) {
  const toast = new Toast(need(HTMLElement, "[data-toast]"));
  const rows = (cards = new Cards({ root: list, toast, leave }));
  rows.addEventListener("contact", contact);
  rows.addEventListener("unreachable", unreachable);
  rows.addEventListener("gone", (event) => {
    const { detail: card } = /** @type {CustomEvent<HTMLElement>} */ (event);
    if (card.id === `n-${find(HTMLElement, "[data-pane] [data-note]")?.dataset.note}`) {
      open?.release();
      if (open) editors.remove(open);
      goHome();
    }
  });
  watchSwipes(list, (card) => rows.delete(card));
}
if (paneRoot) {
  /** @param {HTMLElement} root */
  const mount = (root, gone = false) => {
    if (gone) return void (open && editors.remove(open));
    open = openNote(root, { editors, contact, shut, done: goHome });
    focusText(root);
  };
  pane = new Pane({ root: paneRoot, home, leave, mount });
  pane.addEventListener("contact", contact);
  pane.addEventListener("unreachable", unreachable);
} else openNote(document, { editors, contact, shut, done: goHome });
document.addEventListener("secretly:saved", (event) => {
  const { url, version } = /** @type {CustomEvent<{ url: string, version: string }>} */ (event).detail;
  for (const field of paneRoot?.querySelectorAll("[data-card] [name=version]") ?? []) field.setAttribute("value", version);
  cards?.refresh(url, version);
  pane?.became(url);
});
if (searchForm && all) {
  const found = need(HTMLElement, "[data-found]");
  const search = new Search(searchForm, { all, found, says: need(HTMLElement, "[data-says]"), leave });
  search.addEventListener("contact", contact);
  search.addEventListener("unreachable", unreachable);
}

// A link of the site is followed once the words are saved. Files on their way make the browser ask.
document.addEventListener("click", (event) => {
  if (menu && !menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  const link = /** @type {HTMLAnchorElement | null} */ (/** @type {Element} */ (event.target).closest("a[href]"));
  const plain = !event.defaultPrevented && !event.button && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !plain || !editors.unsaved || link.origin !== location.origin) return;
  const stays = link.target || link.hasAttribute("download") || (link.hash && link.pathname === location.pathname);
  if (stays) return;
  event.preventDefault();
  leave(() => location.assign(link.href), () => editors.save());
});

// Pictures open in a viewer, whose script comes when the first is opened.
document.addEventListener("click", async (event) => {
  const link = /** @type {HTMLAnchorElement | null} */ (/** @type {Element} */ (event.target).closest("[data-picture]"));
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !window.HTMLDialogElement) return;
  event.preventDefault();
  const { view } = await import("./viewer.js");
  view(link);
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
  n: () => (pane ? pane.open(need(HTMLAnchorElement, "[data-new]").pathname) : goHome()),
  "/": () => (searchForm?.checkVisibility?.() ?? searchForm ? searchForm?.elements.words.focus() : goHome()),
  "?": () => keyboard.showModal(),
};

/** The form that is being written in, or the one of the page. */
function writing() {
  const form = document.activeElement?.closest("[data-editor]") ?? find(HTMLFormElement, "[data-editor]");
  return /** @type {Writing | null} */ (form);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && menu?.open) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
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
  button.addEventListener("click", () => {
    if (menu) menu.open = false;
    keyboard.showModal();
  });
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
tellTimes(document);

// What waited on this device arrives now, if there is anything.
indexedDB
  .databases?.()
  .then((there) => (there.some(({ name }) => name === "secretly-waiting") ? import("./later.js") : null))
  .then((later) => later?.arrive(cover.dataset.writer ?? "", home))
  .catch(() => {}); // it goes on waiting
// The copy of the last notes is renewed, where there is one.
indexedDB
  .databases?.()
  .then((there) => (there.some(({ name }) => name === "secretly-copy") ? import("./renewal.js") : null))
  .then((renewal) => renewal?.renew(cover.dataset.writer ?? ""))
  .catch(() => {}); // it stays as it is
if (localStorage.getItem("hush") === "1" || find(HTMLElement, "[data-hush]")) {
  import("./hush.js").then(({ hush }) => hush()).catch(() => {});
}
