// The notebook's pages with a script: saves while one types, locks on silence. Without it every page still works.

import { Lock } from "./lock.js";
import { Sheet } from "./sheet.js";

const form = document.querySelector("[data-sheet]");
const lockForm = document.querySelector("[data-lock]");
const cover = document.querySelector("[data-cover]");

const sheet = form && new Sheet(form);
const lock = new Lock({ cover, lockForm, sheet, warning: document.querySelector("[data-warning]") });

sheet?.addEventListener("contact", () => lock.contact());
sheet?.addEventListener("shut", () => lock.shut({ end: false }));

// Ctrl-Enter saves, Ctrl-L locks. (On a Mac it is the control key as well: there Cmd-L is the address.)
document.addEventListener("keydown", (event) => {
  if (!event.ctrlKey || event.altKey || event.shiftKey || event.metaKey || event.repeat) return;
  if (event.key === "Enter" && form) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key.toLowerCase() === "l" && lockForm) {
    event.preventDefault();
    lock.shut({ end: true });
  }
});
lockForm?.addEventListener("submit", (event) => {
  event.preventDefault();
  lock.shut({ end: true });
});

// The page that comes out of the back-forward cache may be from before it was locked.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// A touch screen would throw its keyboard over the page.
if (form && matchMedia("(hover: hover)").matches && !location.hash) {
  const { text } = form.elements;
  text.focus({ preventScroll: true });
  text.setSelectionRange(text.value.length, text.value.length);
}
for (const keys of document.querySelectorAll("[data-keys]")) keys.hidden = !lockForm;

// The server knows no time zone; the person's clock does.
const day = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
for (const time of document.querySelectorAll("time")) time.textContent = day.format(new Date(time.dateTime));
