// Sets up one note in the pane: it saves itself while one types, and takes files.

import { find } from "../site/dom.js";
import { Attachments } from "./attachments.js";
import { Editor } from "./editor.js";

/**
 * @typedef {import("./editor.js").Writing} Writing
 *
 * @typedef {object} App what a note needs of its page
 * @property {import("./editors.js").Editors} editors
 * @property {() => void} contact the server has answered
 * @property {() => void} shut nobody, or somebody else, is signed in
 * @property {(editor: Editor) => void} done its writer has finished, and all is saved and sent
 */

/**
 * @param {ParentNode} root where the note is
 * @param {App} app
 */
export function openNote(root, { editors, contact, shut, done }) {
  const form = /** @type {Writing | null} */ (find(HTMLFormElement, "[data-editor]", root));
  if (!form) return null;
  const editor = new Editor(form);
  editors.add(editor);
  editor.addEventListener("contact", contact);
  editor.addEventListener("shut", shut);
  editor.addEventListener("done", () => done(editor));
  if (form.querySelector("[data-files]")) {
    const files = new Attachments(form, editor);
    files.addEventListener("contact", contact);
    editor.files = files;
  }
  return editor;
}

/**
 * A blank page, or one that shows its text, is ready for writing. A touch screen would throw its keyboard over the page.
 *
 * @param {ParentNode} root
 */
export function focusText(root) {
  const text = find(HTMLTextAreaElement, "[data-editor] textarea", root);
  if (!text || !matchMedia("(hover: hover)").matches) return;
  if (!(text.checkVisibility?.() ?? true)) return; // Safari cannot tell before version 17.4
  text.focus({ preventScroll: true });
  text.setSelectionRange(text.value.length, text.value.length);
}
