// Without a connection one can still write. The words are encrypted at once, and arrive when a notebook is unlocked.
import { find, need } from "./dom.js";
import { put } from "../notes/store.js";

const form = find(HTMLFormElement, "[data-write-later]");
if (form) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = need(HTMLTextAreaElement, "textarea", form);
    const says = need(HTMLElement, "[role=status]", form);
    if (text.value.trim() === "") return;
    try {
      await put(crypto.randomUUID(), "", { text: text.value });
      text.value = "";
      says.textContent = says.dataset.kept ?? "";
    } catch {
      says.textContent = says.dataset.failed ?? "";
    }
  });
}
