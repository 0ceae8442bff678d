// A trusted device: a key that no script can read out signs what the server asks. Without Web Cryptography or IndexedDB
// the forms are sent as they are, and the cookie has to do.

import { find, need } from "./dom.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const PREFIX = "faceauth trusted device, version 1\n"; // as faceauth/mfa/trusted_devices.py has it

/** @param {ArrayBuffer} buffer */
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(keys: IDBObjectStore) => IDBRequest<T>} act
 */
async function withKeys(mode, act) {
  const opening = indexedDB.open("faceauth", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
  const database = await settled(opening);
  try {
    return await settled(act(database.transaction("keys", mode).objectStore("keys")));
  } finally {
    database.close();
  }
}

/** @returns {Promise<CryptoKeyPair | undefined>} */
const kept = () => withKeys("readonly", (keys) => keys.get("device"));

async function made() {
  const pair = await crypto.subtle.generateKey(ALGORITHM, false, ["sign"]);
  await withKeys("readwrite", (keys) => keys.put(pair, "device"));
  return pair;
}

/**
 * @param {CryptoKeyPair} pair
 * @param {string} challenge
 */
const signature = async (pair, challenge) =>
  toText(await crypto.subtle.sign(SIGNING, pair.privateKey, new TextEncoder().encode(PREFIX + challenge)));

// The browser's key, made where there is none, and its answer; nothing where this browser can make none.
/** @param {HTMLFormElement} form */
async function fill(form) {
  const signed = need(HTMLInputElement, "[name=signature]", form);
  const publicKey = need(HTMLInputElement, "[name=public_key]", form);
  try {
    const pair = (await kept()) ?? (await made());
    signed.value = await signature(pair, form.dataset.deviceKey ?? "");
    publicKey.value = toText(await crypto.subtle.exportKey("spki", pair.publicKey));
  } catch {
    signed.value = publicKey.value = "";
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} challenge
 */
async function answer(form, challenge) {
  const pair = await kept();
  if (!pair) return false;
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) body.set(name, String(value));
  body.set("signature", await signature(pair, challenge));
  const response = await fetch(form.action, { method: "POST", body });
  return response.ok && (await response.json()).proven;
}

/** @param {HTMLFormElement} form */
async function fresh(form) {
  const response = await fetch(form.action);
  return response.ok ? (await response.json()).challenge : "";
}

// Show the key once more: a page that was open for long, or came back from the history, asks for a fresh challenge.
export async function prove(form = find(HTMLFormElement, "[data-device-proof]")) {
  if (!form) return false;
  try {
    const challenge = form.dataset.deviceProof || (await fresh(form));
    form.dataset.deviceProof = "";
    if (!challenge) return false;
    return (await answer(form, challenge)) || false;
  } catch {
    return false;
  }
}

// Settles when this page has shown the key, or could not. The session is written meanwhile: wait before other requests.
export const proved = prove();

for (const form of document.querySelectorAll("[data-device-key]")) {
  if (!(form instanceof HTMLFormElement)) continue;
  let asked = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (asked) return;
    asked = true;
    await fill(form);
    form.submit();
  });
  window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
}

// A new device waits for the yes of a trusted one.
for (const form of document.querySelectorAll("[data-device-wait]")) {
  if (!(form instanceof HTMLFormElement)) continue;
  const timer = setInterval(async () => {
    const response = await fetch(form.dataset.deviceWait ?? "", { headers: { Accept: "application/json" } }).catch(() => null);
    const state = response?.ok && !response.redirected ? (await response.json()).state : "";
    if (state === "waiting" || !response) return;
    clearInterval(timer);
    if (state === "approved") form.submit();
    else window.location.reload();
  }, 2000);
}

// On a trusted device, the list shows which one it is, and who waits, as soon as the key was shown.
if (document.querySelector("[data-device-proof][data-reload]") && (await proved)) window.location.reload();
