// Files for the page that is being written: chosen, dropped, pasted, or from the camera. The words are saved first,
// since a file hangs on a note. What cannot be attached is said, with a button to try again.

const PATIENCE = 120_000; // ms: 20 MB on a slow line

export class Attach extends EventTarget {
  #form;
  #sheet;
  #list;
  #running = Promise.resolve();

  constructor(form, sheet) {
    super();
    this.#form = form;
    this.#sheet = sheet;
    this.#list = form.querySelector("[data-files]");
    for (const chooser of form.querySelectorAll("[data-chooser]")) {
      chooser.closest("label").hidden = false;
      chooser.addEventListener("change", () => {
        this.#take([...chooser.files]);
        chooser.value = "";
      });
    }
    form.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length || event.clipboardData.types.includes("text/plain")) return; // a table is text and picture
      event.preventDefault();
      this.#take(files);
    });
    form.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      form.classList.add("dropping");
    });
    form.addEventListener("dragleave", () => form.classList.remove("dropping"));
    form.addEventListener("drop", (event) => {
      form.classList.remove("dropping");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      this.#take([...event.dataTransfer.files]);
    });
  }

  /** One after the other: a telephone's line is not made faster by sharing it. */
  #take(files) {
    for (const file of files) {
      const line = this.#list.appendChild(document.createElement("li"));
      this.#running = this.#running.then(() => this.#send(file, line));
    }
  }

  async #send(file, line) {
    const words = this.#list.dataset;
    line.textContent = `${file.name}: ${words.sending}`;
    const { text } = this.#form.elements;
    if (text.value.trim() === "") {
      text.value = file.name; // a note has words
      text.dispatchEvent(new Event("input", { bubbles: true }));
    }
    let fault = words.unreachable;
    if ((await this.#sheet.save()) === "saved") {
      try {
        const body = new FormData();
        for (const name of ["csrfmiddlewaretoken", "writer"]) body.append(name, this.#form.elements[name].value);
        body.append("file", file);
        const response = await fetch(`${this.#form.action}attach/`, {
          method: "POST",
          body,
          headers: { Accept: "application/json" },
          signal: AbortSignal.timeout(PATIENCE),
        });
        const answer = await response.json();
        this.dispatchEvent(new Event("contact"));
        if (answer.outcome === "attached") {
          line.textContent = `${file.name}: ${words.sent}`;
          return;
        }
        fault = answer.message || fault;
      } catch {
        // Not reached: the fault says so.
      }
    }
    const again = Object.assign(document.createElement("button"), { type: "button", textContent: words.again });
    again.addEventListener("click", () => {
      line.remove();
      this.#take([file]);
    });
    const said = Object.assign(document.createElement("span"), { className: "error", textContent: fault });
    line.replaceChildren(said, " ", again);
  }
}
