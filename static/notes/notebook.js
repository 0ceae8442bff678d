// The notebook's pages with a script: saves while one types, locks on silence. Without it every page still works.

import { Attachments } from "./attachments.js";
import { tellTimes } from "../site/times.js";
import { Cards } from "./cards.js";
import { Autolock } from "./autolock.js";
import { Search } from "./search.js";
import { Editor, Editors } from "./editor.js";

const find = (name) => document.querySelector(`[data-${name}]`);
const form = find("editor");
const lockForm = find("lock");
const cover = find("cover");
const searchForm = find("search");
const keyboard = find("keyboard");

const unreached = find("unreached");

const editors = new Editors();
const lock = new Autolock({ cover, lockForm, editors, warning: find("warning") });

function contact() {
  unreached.replaceChildren();
  lock.contact();
}

function unreachable() {
  unreached.replaceChildren(find("unreached-words").content.cloneNode(true));
}

function keepSaved(form, whenDone) {
  const editor = new Editor(form);
  editors.add(editor);
  editor.addEventListener("contact", contact);
  editor.addEventListener("shut", () => lock.shut({ end: false }));
  editor.addEventListener("done", () => whenDone(editor));
  if (form.querySelector("[data-files]")) {
    editor.files = new Attachments(form, editor);
    editor.files.addEventListener("contact", contact);
  }
  return editor;
}

/** Go once everything is saved and sent. Otherwise stay: the page that is not says why, and not every browser asks. */
async function leave(go, ready = () => editors.finish()) {
  if ((await ready()) === "saved") go();
  else editors.show();
}

if (form) keepSaved(form, () => leave(() => location.assign(cover.dataset.home)));

for (const root of document.querySelectorAll("[data-notes]")) {
  const openEditor = (form, whenDone) =>
    keepSaved(form, async (editor) => {
      if (await whenDone()) editors.remove(editor);
    });
  const cards = new Cards({ root, toast: find("toast"), openEditor, leave });
  cards.addEventListener("contact", contact);
  cards.addEventListener("unreachable", unreachable);
}
if (searchForm && find("all")) {
  const search = new Search(searchForm, { all: find("all"), found: find("found"), says: find("says"), leave });
  search.addEventListener("contact", contact);
  search.addEventListener("unreachable", unreachable);
}

// A link of the site is followed once the words are saved. Files on their way make the browser ask.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const plain = !event.defaultPrevented && !event.button && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !plain || !editors.unsaved || link.origin !== location.origin) return;
  const stays = link.target || link.hasAttribute("download") || (link.hash && link.pathname === location.pathname);
  if (stays) return;
  event.preventDefault();
  leave(() => location.assign(link.href), () => editors.save());
});

// Keys. (On a Mac it is the control key as well: there Cmd-L is the address.) ------------------------------------------

const withControl = {
  enter: () => (document.activeElement.closest("[data-editor]") ?? form)?.requestSubmit(),
  l: () => lock.shut({ end: true }),
};
// These can be switched off: whoever speaks to their computer, or hits keys by chance, presses them unawares.
const alone = {
  n: () => (find("all") || !find("notes") ? writeNew() : leave(() => location.assign(cover.dataset.home))),
  "/": () => (searchForm ? searchForm.elements.words.focus() : leave(() => location.assign(cover.dataset.home))),
  "?": () => keyboard?.showModal(),
};

function writeNew() {
  if (!form || form.closest("details")) return leave(() => location.assign(cover.dataset.home));
  form.elements.text.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.metaKey || event.repeat || event.isComposing || !lockForm) return;
  const typing = event.target.closest("input, textarea, select, dialog");
  const key = event.key.toLowerCase();
  const single = "singleKeys" in keyboard.dataset && !typing && alone[key];
  const act = event.ctrlKey ? !event.shiftKey && withControl[key] : single;
  if (!act) return;
  event.preventDefault();
  act();
});
for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", alone["?"]);
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

// The link of a card opens the plain text.
const plain = document.querySelector("details#edit");
if (plain && location.hash === "#edit") plain.open = true;

const visible = form?.checkVisibility?.() ?? Boolean(form); // Safari cannot tell before version 17.4
// A touch screen would throw its keyboard over the page.
if (visible && matchMedia("(hover: hover)").matches && !location.hash) {
  const { text } = form.elements;
  text.focus({ preventScroll: true });
  text.setSelectionRange(text.value.length, text.value.length);
}
tellTimes(document);
