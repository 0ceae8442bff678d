// Pages of the notebook, fetched by its scripts.

import { patience } from "../site/patience.js";

/**
 * Fetch a page of the notebook. null: the server has answered something else, and the browser may go and see it.
 * undefined: nobody answered, and a browser that went there would leave this page for nothing.
 *
 * @param {string} address
 * @param {RequestInit} [options]
 */
export async function fetchPage(address, options = {}) {
  try {
    const response = await fetch(address, { signal: patience(20_000), ...options });
    if (!response.ok || response.redirected) return null;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return undefined;
  }
}
