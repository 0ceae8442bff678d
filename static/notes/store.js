// What waits on this device until its notebook is unlocked: words written without a connection, and what was shared.
// It lies encrypted with a key that no script can take out of this browser, and is never shown from here. When nothing
// waits any more, the whole database goes. (The service worker reads this file too, so it imports nothing.)

const DATABASE = "secretly-waiting";

/**
 * @typedef {{ iv: Uint8Array<ArrayBuffer>, data: ArrayBuffer }} Sealed
 * @typedef {{ id: string, writer: string, made: number, words: Sealed, files: Sealed[] }} Row
 * @typedef {object} Waiting
 * @property {string} id
 * @property {string} writer whose it is; empty where nobody was signed in
 * @property {number} made ms since 1970
 */

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
export function answered(request) {
  return new Promise((done, failed) => {
    request.addEventListener("success", () => done(request.result));
    request.addEventListener("error", () => failed(request.error));
  });
}

/** @returns {Promise<IDBDatabase>} */
function database() {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => {
    request.result.createObjectStore("keys");
    request.result.createObjectStore("rows", { keyPath: "id" });
  });
  return answered(request);
}

/**
 * Open the database for one piece of work.
 *
 * @template T
 * @param {(db: IDBDatabase) => Promise<T>} work
 */
async function using(work) {
  const db = await database();
  try {
    return await work(db);
  } finally {
    db.close();
  }
}

/**
 * @param {IDBDatabase} db
 * @returns {Promise<CryptoKey>}
 */
async function keyOf(db) {
  const there = await answered(db.transaction("keys").objectStore("keys").get("device"));
  if (there) return there;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const keys = db.transaction("keys", "readwrite").objectStore("keys");
  await answered(keys.add(made, "device")).catch(() => {}); // another tab was first
  return answered(db.transaction("keys").objectStore("keys").get("device"));
}

/** @param {string} place */
const bound = (place) => new TextEncoder().encode(place);

/**
 * @param {CryptoKey} key
 * @param {BufferSource} data
 * @param {string} place
 * @returns {Promise<Sealed>}
 */
async function seal(key, data, place) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound(place) }, key, data) };
}

/**
 * @param {CryptoKey} key
 * @param {Sealed} sealed
 * @param {string} place
 */
function unseal(key, { iv, data }, place) {
  return crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: bound(place) }, key, data);
}

/**
 * Keep words and files. What has the same id is replaced.
 *
 * @param {string} id
 * @param {string} writer
 * @param {Record<string, string>} words
 * @param {File[]} [files]
 */
export async function put(id, writer, words, files = []) {
  await using(async (db) => {
    const key = await keyOf(db);
    const about = { words, files: files.map(({ name, type }) => ({ name, type })) };
    const sealed = [];
    for (const [at, file] of files.entries()) sealed.push(await seal(key, await file.arrayBuffer(), `file ${at} of ${id}`));
    const text = await seal(key, bound(JSON.stringify(about)), `words of ${id} by ${writer}`);
    const rows = db.transaction("rows", "readwrite").objectStore("rows");
    await answered(rows.put({ id, writer, made: Date.now(), words: text, files: sealed }));
  });
}

/** @returns {Promise<Waiting[]>} what waits, without its words */
export async function waiting() {
  const there = await indexedDB.databases();
  if (!there.some(({ name }) => name === DATABASE)) return [];
  /** @type {Row[]} */
  const rows = await using((db) => answered(db.transaction("rows").objectStore("rows").getAll()));
  return rows.map(({ id, writer, made }) => ({ id, writer, made }));
}

/**
 * @param {string} id
 * @returns {Promise<{ words: Record<string, string>, files: File[] }>}
 */
export function opened(id) {
  return using(async (db) => {
    const key = await keyOf(db);
    /** @type {Row} */
    const row = await answered(db.transaction("rows").objectStore("rows").get(id));
    const about = JSON.parse(new TextDecoder().decode(await unseal(key, row.words, `words of ${id} by ${row.writer}`)));
    const files = [];
    for (const [at, { name, type }] of about.files.entries()) {
      files.push(new File([await unseal(key, row.files[at], `file ${at} of ${id}`)], name, { type }));
    }
    return { words: about.words, files };
  });
}

/**
 * Forget what has arrived, and the key with the last of it.
 *
 * @param {string} id
 */
export async function remove(id) {
  if (!(await waiting()).length) return;
  const left = await using(async (db) => {
    await answered(db.transaction("rows", "readwrite").objectStore("rows").delete(id));
    return answered(db.transaction("rows").objectStore("rows").count());
  });
  if (!left) await answered(indexedDB.deleteDatabase(DATABASE));
}
