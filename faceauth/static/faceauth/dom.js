// Elements of the page, with the kind that a script counts on.

/**
 * Give the first element that `selector` names, or null where there is none of this kind.
 *
 * @template {Element} T
 * @param {new () => T} kind
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {T | null}
 */
export function find(kind, selector, root = document) {
  const element = root.querySelector(selector);
  return element instanceof kind ? element : null;
}

/**
 * The same, where the page cannot do without it. Throws where it is missing.
 *
 * @template {Element} T
 * @param {new () => T} kind
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {T}
 */
export function need(kind, selector, root = document) {
  const element = find(kind, selector, root);
  if (!element) throw new Error(`This page has no ${selector}.`);
  return element;
}
