// Renews the copy of the last notes on this device, or deletes it: where somebody else is signed in, and where the server
// says that this device may keep it no longer.

import { find } from "../site/dom.js";
import { patience } from "../site/patience.js";
import { erase, owner, seal } from "./copy.js";

/**
 * @param {string} writer who is signed in
 * @returns {Promise<boolean>} whether the copy is as new as can be
 */
export async function renew(writer) {
  const of = await owner();
  if (of?.writer !== writer) {
    await erase();
    return false;
  }
  const body = new URLSearchParams({ writer, permission: of.permission });
  body.set("csrfmiddlewaretoken", find(HTMLInputElement, "[name=csrfmiddlewaretoken]")?.value ?? "");
  const headers = { Accept: "application/json" };
  const response = await fetch("/offline/latest/", { method: "POST", body, headers, signal: patience(30_000) });
  const answer = await response.json();
  if (answer.outcome === "latest") await seal(of, answer.notes);
  else if (answer.outcome === "ended") await erase();
  return answer.outcome === "latest";
}
