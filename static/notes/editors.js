// All that is being written in this tab.

/** All pages for writing that are open in this tab, as one. */
export class Editors {
  /** @type {Set<import("./editor.js").Editor>} */
  #open = new Set();

  /** @param {import("./editor.js").Editor} editor */
  add(editor) {
    this.#open.add(editor);
  }

  /** @param {import("./editor.js").Editor} editor */
  remove(editor) {
    this.#open.delete(editor);
  }

  get unsaved() {
    return [...this.#open].some((editor) => editor.unsaved);
  }

  get pending() {
    return [...this.#open].some((editor) => editor.pending);
  }

  /** "saved" when all are; otherwise what became of the first that is not. */
  async save() {
    return this.#all((editor) => editor.save());
  }

  /** The same, with the files on their way. */
  async finish() {
    return this.#all((editor) => editor.finish());
  }

  /** Bring into sight what still has to be saved or sent. */
  show() {
    [...this.#open].find((editor) => editor.unsaved || editor.pending)?.show();
  }

  /** @param {(editor: import("./editor.js").Editor) => Promise<string>} act */
  async #all(act) {
    const outcomes = await Promise.all([...this.#open].map(act));
    return outcomes.find((outcome) => outcome !== "saved") ?? "saved";
  }

  release() {
    for (const editor of this.#open) editor.release();
  }
}
