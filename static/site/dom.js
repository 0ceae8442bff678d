// Elements and forms of the page.

export { find, need } from "../faceauth/dom.js";

/**
 * Give the fields of a form as the body of a request.
 *
 * @param {HTMLFormElement} form one that takes no files
 */
export function fieldsOf(form) {
  return new URLSearchParams(/** @type {[string, string][]} */ ([...new FormData(form)]));
}

/**
 * Give every form of this page the token of the session that has begun meanwhile.
 *
 * @param {string} token
 */
export function renewTokens(token) {
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.setAttribute("value", token);
}
