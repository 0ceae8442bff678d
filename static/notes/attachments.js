// Files for the page that is being written: chosen, dropped, pasted, or from the camera. The words are saved first,
// since a file hangs on a note. What cannot be attached is said, with a button to try again, and one to do without it.

import { need } from "../site/dom.js";
import { patience } from "../site/patience.js";
import { voiceOf } from "./voice.js";

const PATIENCE = 120_000; // ms: 20 MB on a slow line
const ON_THE_WAY = "secretly-files"; // the browser's own lock, which every tab has a share in while it sends

/** Wait until no tab of this browser sends files. Where tabs cannot tell (no HTTPS), only this one's are known. */
export async function allTabsSent() {
  await navigator.locks?.request(ON_THE_WAY, () => {}).catch(() => {});
}

export class Attachments extends EventTarget {
  #form;
  #editor;
  #list;
  /** @type {Promise<void>} */
  #running = Promise.resolve();
  /** @type {Set<HTMLElement>} */
  #missing = new Set(); // the lines of files that are on their way, or could not be attached
  #leaving = false;
  #voice;

  /**
   * @param {import("./editor.js").Writing} form
   * @param {import("./editor.js").Editor} editor
   */
  constructor(form, editor) {
    super();
    this.#form = form;
    this.#editor = editor;
    this.#list = need(HTMLElement, "[data-files]", form);
    this.#voice = voiceOf(form, (file) => this.#take([file]));
    for (const chooser of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[data-chooser]"))) {
      for (const label of chooser.labels ?? []) label.hidden = false;
      chooser.addEventListener("change", () => {
        this.#take([...(chooser.files ?? [])]);
        chooser.value = "";
      });
    }
    form.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length || event.clipboardData?.types.includes("text/plain")) return; // a table is text and picture
      event.preventDefault();
      this.#take(files);
    });
    form.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      form.classList.add("dropping");
    });
    form.addEventListener("dragleave", () => form.classList.remove("dropping"));
    form.addEventListener("drop", (event) => {
      form.classList.remove("dropping");
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.#take([...event.dataTransfer.files]);
    });
    addEventListener("beforeunload", (event) => {
      if (this.pending && !this.#leaving) event.preventDefault();
    });
  }

  /** Whether there are files here that the server does not have. */
  get pending() {
    return this.#missing.size > 0 || this.#voice?.recording === true;
  }

  /** Wait until nothing is on its way. What could not be attached is still pending then. */
  async sent() {
    await this.#voice?.stop();
    let last;
    do await (last = this.#running);
    while (last !== this.#running);
  }

  /** Let the page go without asking. */
  release() {
    this.#leaving = true;
  }

  /**
   * One after the other: a telephone's line is not made faster by sharing it.
   *
   * @param {File[]} files
   */
  #take(files) {
    for (const file of files) {
      const line = this.#list.appendChild(document.createElement("li"));
      this.#missing.add(line);
      line.textContent = `${file.name}: ${this.#list.dataset.sending}`;
      this.#running = this.#running.then(() => this.#send(file, line));
    }
    const running = this.#running;
    navigator.locks?.request(ON_THE_WAY, { mode: "shared" }, () => running).catch(() => {});
  }

  /** @param {HTMLElement} line */
  #forget(line) {
    this.#missing.delete(line);
    line.remove();
  }

  /**
   * @param {File} file
   * @param {HTMLElement} line what is said of it
   */
  async #send(file, line) {
    const words = this.#list.dataset;
    const { text } = this.#form.elements;
    if (text.value.trim() === "") {
      text.value = file.type.startsWith("audio/") ? file.name.replace(/\.\w+$/, "") : file.name; // a note has words
      text.dispatchEvent(new Event("input", { bubbles: true }));
    }
    let fault = `${file.name}: ${words.unreachable}`;
    if ((await this.#editor.save()) === "saved") {
      try {
        const body = new FormData();
        const { csrfmiddlewaretoken: token, writer } = this.#form.elements;
        for (const field of [token, writer]) body.append(field.name, field.value);
        body.append("file", file);
        const response = await fetch(`${this.#form.action}attach/`, {
          method: "POST",
          body,
          headers: { Accept: "application/json" },
          signal: patience(PATIENCE),
        });
        const answer = await response.json();
        this.dispatchEvent(new Event("contact"));
        if (answer.outcome === "attached") {
          this.#missing.delete(line);
          line.textContent = `${file.name}: ${words.sent}`;
          this.#form.dispatchEvent(new Event("attached"));
          return;
        }
        fault = answer.message || fault;
      } catch {
        // Not reached: the fault says so.
      }
    }
    /** @param {string} [textContent] */
    const button = (textContent) => Object.assign(document.createElement("button"), { type: "button", textContent });
    const [again, without] = [button(words.again), button(words.without)];
    again.addEventListener("click", () => {
      this.#forget(line);
      this.#take([file]);
    });
    without.addEventListener("click", () => this.#forget(line));
    const said = Object.assign(document.createElement("span"), { className: "error", textContent: fault });
    line.replaceChildren(said, " ", again, " ", without);
  }
}
