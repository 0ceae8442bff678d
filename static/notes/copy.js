// The last notes, for reading without a connection, where their writer has switched that on on this device. Notes are
// encrypted for a public key, so that the copy can be renewed without asking; the private key is encrypted under a
// passphrase that is kept nowhere. Each wrong passphrase counts, and too many delete the copy.

import { answered } from "./store.js";

export const COPY = "secretly-copy"; // the database
export const SHORTEST = 10; // characters of a passphrase
const ROUNDS = 1_000_000; // OWASP asks for 600,000 of PBKDF2 with SHA-256 (Password Storage Cheat Sheet, 2023)
const FREE = 3; // wrong passphrases without a wait; each further one doubles it, from 2 s on
const MOST = 10; // wrong passphrases until the copy is deleted
const KEPT = 14 * 24 * 3600 * 1000; // ms without renewal: a device that was ended meanwhile may not have heard of it

const PUBLIC = { name: "RSA-OAEP", modulusLength: 3072, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };

/**
 * @typedef {{ text: string, changed: string }} Shown
 * @typedef {{ writer: string, permission: string, salt: Uint8Array<ArrayBuffer>, iv: Uint8Array<ArrayBuffer>, publicKey: CryptoKey, privateKey: ArrayBuffer }} Owner
 * @typedef {{ made: number, key: ArrayBuffer, iv: Uint8Array<ArrayBuffer>, data: ArrayBuffer }} Notes
 * @typedef {{ failed: number, until: number }} Tries
 * @typedef {{ notes: Shown[], made: number } | { wait: number } | { wrong: number } | { gone: true }} Answer
 */

/**
 * Work on the one store of the database, in one transaction for each call of it.
 *
 * @template T
 * @param {(store: (mode: IDBTransactionMode) => IDBObjectStore) => Promise<T>} work
 */
async function using(work) {
  const request = indexedDB.open(COPY, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore("parts"));
  const db = await answered(request);
  try {
    return await work((mode) => db.transaction("parts", mode).objectStore("parts"));
  } finally {
    db.close();
  }
}

/**
 * @param {string} name
 * @returns {Promise<any>}
 */
const part = (name) => using((store) => answered(store("readonly").get(name)));

/**
 * @param {string} name
 * @param {Owner | Notes | Tries} value
 */
const keep = (name, value) => using((store) => answered(store("readwrite").put(value, name)));

/** Delete the copy, and the keys with it. */
export async function erase() {
  await answered(indexedDB.deleteDatabase(COPY));
}

/** @returns {Promise<Owner | undefined>} whose copy is here, if there is one */
export async function owner() {
  const there = await indexedDB.databases();
  return there.some(({ name }) => name === COPY) ? part("owner") : undefined;
}

/** @returns {Promise<number | undefined>} when it was renewed, in ms since 1970 */
export async function renewed() {
  return /** @type {Notes | undefined} */ (await part("notes"))?.made;
}

/**
 * @param {string} passphrase
 * @param {Uint8Array<ArrayBuffer>} salt
 * @param {KeyUsage} use
 */
async function keyOf(passphrase, salt, use) {
  const words = new TextEncoder().encode(passphrase.normalize("NFC"));
  const base = await crypto.subtle.importKey("raw", words, "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS };
  return crypto.subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, [use]);
}

/**
 * Begin a copy, in the place of one that is there.
 *
 * @param {string} writer
 * @param {string} permission
 * @param {string} passphrase
 */
export async function begin(writer, permission, passphrase) {
  await erase();
  const { publicKey, privateKey } = await crypto.subtle.generateKey(PUBLIC, true, ["encrypt", "decrypt"]);
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const key = await keyOf(passphrase, salt, "wrapKey");
  const sealed = await crypto.subtle.wrapKey("pkcs8", privateKey, key, { name: "AES-GCM", iv });
  await keep("owner", { writer, permission, salt, iv, publicKey, privateKey: sealed });
}

/**
 * Replace the notes of the copy.
 *
 * @param {Owner} of
 * @param {Shown[]} notes
 */
export async function seal(of, notes) {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(JSON.stringify(notes)));
  const wrapped = await crypto.subtle.encrypt({ name: "RSA-OAEP" }, of.publicKey, await crypto.subtle.exportKey("raw", key));
  await keep("notes", { made: Date.now(), key: wrapped, iv, data });
}

/**
 * Count a try before it is made, so that closing the page does not spare it.
 *
 * @returns {Promise<Tries>} as it stood; `until` is when the next may be made, in ms since 1970
 */
async function count() {
  return using(async (store) => {
    const parts = store("readwrite");
    const tries = /** @type {Tries} */ ((await answered(parts.get("tries"))) ?? { failed: 0, until: 0 });
    if (tries.until > Date.now()) return tries;
    const failed = tries.failed + 1;
    const until = failed < FREE ? 0 : Date.now() + 1000 * 2 ** (failed - FREE + 1);
    await answered(parts.put({ failed, until }, "tries"));
    return { failed: tries.failed, until: 0 };
  });
}

/**
 * Read the copy.
 *
 * @param {string} passphrase
 * @returns {Promise<Answer>} the notes; or the seconds to wait; or how many tries are left; or that there is no copy
 */
export async function open(passphrase) {
  const of = await owner();
  const notes = /** @type {Notes | undefined} */ (of && (await part("notes")));
  if (!of || !notes || Date.now() - notes.made > KEPT) {
    await erase();
    return { gone: true };
  }
  const { failed, until } = await count();
  if (until) return { wait: Math.ceil((until - Date.now()) / 1000) };
  const privateKey = await unsealed(of, passphrase);
  if (!privateKey && failed + 1 >= MOST) {
    await erase();
    return { gone: true };
  }
  if (!privateKey) return { wrong: MOST - failed - 1 };
  await keep("tries", { failed: 0, until: 0 });
  const raw = await crypto.subtle.decrypt({ name: "RSA-OAEP" }, privateKey, notes.key);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv: notes.iv }, key, notes.data);
  return { notes: JSON.parse(new TextDecoder().decode(text)), made: notes.made };
}

/**
 * @param {Owner} of
 * @param {string} passphrase
 * @returns {Promise<CryptoKey | null>} null where it is not this passphrase
 */
async function unsealed(of, passphrase) {
  const key = await keyOf(passphrase, of.salt, "unwrapKey");
  const how = { name: "AES-GCM", iv: of.iv };
  return crypto.subtle.unwrapKey("pkcs8", of.privateKey, key, how, PUBLIC, false, ["decrypt"]).catch(() => null);
}
