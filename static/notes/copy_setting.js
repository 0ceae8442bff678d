// Reading without a connection: the part of the settings, and the page that asks for a passphrase.

import { find, need } from "../site/dom.js";
import { tellTimes } from "../site/times.js";
import { SHORTEST, begin, erase, owner, renewed } from "./copy.js";
import { renew } from "./renewal.js";

/** @param {HTMLElement} part */
async function show(part) {
  const of = await owner();
  const mine = of?.writer === part.dataset.copySetting;
  if (of && !mine) await erase();
  need(HTMLElement, "[data-when=on]", part).hidden = !mine;
  need(HTMLElement, "[data-when=off]", part).hidden = mine;
  const made = mine ? await renewed() : undefined;
  if (!made) return;
  const time = Object.assign(document.createElement("time"), { dateTime: new Date(made).toISOString() });
  need(HTMLElement, "[data-made]", part).replaceChildren(time);
  tellTimes(part);
}

const part = find(HTMLElement, "[data-copy-setting]");
if (part) {
  show(part).catch(() => {}); // a browser without a database has no copy
  need(HTMLButtonElement, "[data-erase]", part).addEventListener("click", async () => {
    await erase();
    await show(part);
    find(HTMLButtonElement, "form button", part)?.focus();
  });
}

const form = find(HTMLFormElement, "[data-copy-begin]");
if (form) {
  form.hidden = false;
  const [first, again] = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[type=password]")]);
  const says = need(HTMLElement, "[role=status]", form);
  const button = need(HTMLButtonElement, "button", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (first.value.length < SHORTEST || first.value !== again.value) {
      says.textContent = (first.value === again.value ? says.dataset.short : says.dataset.different) ?? "";
      return first.focus();
    }
    button.disabled = true;
    says.textContent = says.dataset.working ?? "";
    const writer = form.dataset.copyBegin ?? "";
    try {
      await begin(writer, form.dataset.permission ?? "", first.value);
      if (!(await renew(writer))) throw new Error("ended");
      location.assign(form.action);
    } catch {
      await erase().catch(() => {});
      says.textContent = says.dataset.failed ?? "";
      button.disabled = false;
    }
  });
}
