// Without a connection: the last notes, where a copy of them is on this device, after its passphrase. They go from the page
// when it is out of sight, and after five minutes without a key or a touch.

import { find, need } from "./dom.js";
import { open, owner } from "../notes/copy.js";

const SILENCE = 300_000; // ms
const part = find(HTMLElement, "[data-last-notes]");
const TIME = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

/** @param {HTMLElement} within */
function set(within) {
  const form = need(HTMLFormElement, "form", within);
  const field = need(HTMLInputElement, "input", form);
  const button = need(HTMLButtonElement, "button", form);
  const says = need(HTMLElement, "[role=status]", within);
  const opened = need(HTMLElement, "[data-opened]", within);
  const list = need(HTMLElement, "[data-list]", opened);
  let timer = 0;

  function lock() {
    clearTimeout(timer);
    list.replaceChildren();
    opened.hidden = true;
    form.hidden = false;
  }

  function touched() {
    clearTimeout(timer);
    if (!opened.hidden) timer = setTimeout(lock, SILENCE);
  }

  /** @param {import("../notes/copy.js").Answer} answer */
  function tell(answer) {
    if ("notes" in answer) {
      list.replaceChildren(...answer.notes.map(row));
      need(HTMLElement, "[data-made]", opened).textContent = TIME.format(answer.made);
      form.hidden = true;
      opened.hidden = false;
      says.textContent = "";
      need(HTMLElement, "h2", opened).focus();
      touched();
    } else if ("wait" in answer) says.textContent = `${says.dataset.wait} ${seconds(answer.wait)}`;
    else if ("wrong" in answer) says.textContent = `${says.dataset.wrong} ${answer.wrong}`;
    else {
      says.textContent = says.dataset.gone ?? "";
      form.hidden = true;
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const passphrase = field.value;
    field.value = "";
    button.disabled = true;
    says.textContent = says.dataset.working ?? "";
    tell(await open(passphrase));
    button.disabled = false;
    if (opened.hidden && !form.hidden) field.focus();
  });
  need(HTMLButtonElement, "[data-lock]", opened).addEventListener("click", lock);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && lock());
  addEventListener("pagehide", lock);
  for (const type of ["keydown", "pointerdown", "wheel"]) addEventListener(type, touched, { passive: true });
}

/** @param {number} count */
const seconds = (count) =>
  new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "second", unitDisplay: "long" }).format(count);

/** @param {import("../notes/copy.js").Shown} note */
function row({ text, changed }) {
  const details = document.createElement("details");
  const [title, ...rest] = text.trim().split("\n");
  const summary = document.createElement("summary");
  const name = Object.assign(document.createElement("bdi"), { textContent: title.replace(/^#+ /, "") });
  const when = Object.assign(document.createElement("time"), { dateTime: changed, className: "quiet small" });
  when.textContent = TIME.format(new Date(changed));
  summary.append(name, " ", when);
  const words = Object.assign(document.createElement("div"), { className: "text", dir: "auto" });
  words.textContent = rest.join("\n").trim();
  details.append(summary, words);
  return details;
}

if (part) {
  owner()
    .then((of) => {
      if (!of) return;
      part.hidden = false;
      const kept = need(HTMLElement, "[data-kept-here]");
      kept.textContent = kept.dataset.keptHere ?? "";
      set(part);
    })
    .catch(() => {}); // a browser without a database has no copy
}
