// Words that were written without a connection, and what was shared, arrive in the notebook when it is unlocked.

import { find, need } from "../site/dom.js";
import { patience } from "../site/patience.js";
import { tellTimes } from "../site/times.js";
import { opened, put, remove, waiting } from "./store.js";

/** @typedef {HTMLFormElement & { elements: Record<"text" | "page" | "version" | "writer", { value: string }> }} Form */

/** @type {Map<string, () => void>} of pages that are open in this tab: their words are not to arrive by another way */
const held = new Map();

/** @param {string} id */
const nameOf = (id) => `secretly-words ${id}`;

/**
 * Keep the words of a page on this device until the server has them.
 *
 * @param {Form} form
 */
export async function keep(form) {
  const { text, page, version, writer } = form.elements;
  const { pathname } = new URL(form.action);
  const id = page.value;
  if (!held.has(id)) {
    held.set(id, () => {});
    navigator.locks?.request(nameOf(id), () => /** @type {Promise<void>} */ (new Promise((done) => held.set(id, done))));
  }
  await put(id, writer.value, { text: text.value, action: pathname, page: id, version: version.value });
}

/**
 * The server has them.
 *
 * @param {Form} form
 */
export async function arrived(form) {
  const id = form.elements.page.value;
  if (!held.has(id)) return;
  await remove(id);
  held.get(id)?.();
  held.delete(id);
}

/**
 * Bring what waits into the notebook. What nobody was signed in for is asked about: it may be somebody else's.
 *
 * @param {string} writer who has unlocked
 * @param {string} home
 */
export async function arrive(writer, home) {
  for (const row of await waiting()) {
    if (row.writer === writer) await unlessOpen(row.id, () => bring(row.id, writer, home));
    else if (!row.writer) ask(row, writer, home);
  }
}

/**
 * @param {string} id
 * @param {() => Promise<void>} act
 */
async function unlessOpen(id, act) {
  if (!navigator.locks) return act();
  await navigator.locks.request(nameOf(id), { ifAvailable: true }, async (lock) => {
    if (lock) await act();
  });
}

/**
 * @param {import("./store.js").Waiting} row
 * @param {string} writer
 * @param {string} home
 */
function ask(row, writer, home) {
  const words = say("asked");
  need(HTMLTimeElement, "time", words).dateTime = new Date(row.made).toISOString();
  tellTimes(words);
  need(HTMLButtonElement, "[data-add]", words).addEventListener("click", () => bring(row.id, writer, home));
  need(HTMLButtonElement, "[data-discard]", words).addEventListener("click", async () => {
    words.replaceChildren();
    await remove(row.id);
  });
}

/** @param {string} what the name of the sentence */
function say(what) {
  const toast = need(HTMLElement, "[data-waiting]");
  toast.replaceChildren(need(HTMLTemplateElement, `[data-waiting-words="${what}"]`).content.cloneNode(true));
  return toast;
}

/**
 * @param {string} id
 * @param {string} writer
 * @param {string} home
 */
async function bring(id, writer, home) {
  try {
    const { words, files } = await opened(id);
    const text = words.text.trim() === "" ? (files[0]?.name ?? "") : words.text;
    const fields = { text, writer, page: words.page ?? id, version: words.version ?? "0" };
    let answer = await send(words.action ?? home, fields);
    // Changed or deleted meanwhile: both are kept, and nobody has to choose.
    if (["conflict", "gone"].includes(answer.outcome)) answer = await send(home, { ...fields, page: id, version: "0" });
    if (answer.outcome === "conflict") answer = await send(home, { ...fields, page: crypto.randomUUID() });
    if (answer.outcome !== "saved") throw new Error(answer.outcome);
    for (const file of files) await send(`${answer.url}attach/`, { writer }, file);
    await remove(id);
    need(HTMLAnchorElement, "a", say("arrived")).href = answer.url;
  } catch {
    say("stays");
  }
}

/**
 * @param {string} address
 * @param {Record<string, string>} fields
 * @param {File} [file]
 * @returns {Promise<{ outcome: string, url: string }>}
 */
async function send(address, fields, file) {
  const token = find(HTMLInputElement, "[name=csrfmiddlewaretoken]")?.value ?? "";
  const body = file ? new FormData() : new URLSearchParams();
  for (const [name, value] of Object.entries({ ...fields, csrfmiddlewaretoken: token })) body.append(name, value);
  if (file && body instanceof FormData) body.append("file", file);
  const headers = { Accept: "application/json" };
  const response = await fetch(address, { method: "POST", body, headers, signal: patience(120_000) });
  const answer = await response.json();
  if (file && answer.outcome !== "attached") throw new Error(answer.outcome);
  return answer;
}
