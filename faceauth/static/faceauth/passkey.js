// A passkey: the browser makes or uses one, and the answer goes into an ordinary form POST.

import { need } from "./dom.js";

const form = need(HTMLFormElement, "[data-passkey]");
const voice = need(HTMLElement, "[data-voice]");
const status = need(HTMLElement, "[data-status]");
const credential = need(HTMLInputElement, "[data-credential]", form);
const button = need(HTMLButtonElement, "button", form);

/** @param {string} what the name of a sentence in the form's data */
function say(what) {
  voice.textContent = status.textContent = form.dataset[what] ?? form.dataset.failed ?? "";
}

/** @param {string} text base64url */
const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

/** @param {ArrayBuffer} buffer */
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

/**
 * Read the options as the server writes them: JSON, with bytes in base64url (WebAuthn Level 3, 5.1.8 to 5.1.10).
 *
 * @returns {{ publicKey: any }}
 */
function options() {
  const given = JSON.parse(form.dataset.options ?? "");
  /** @param {{ id: string }} descriptor */
  const withBytes = (descriptor) => ({ ...descriptor, id: toBytes(descriptor.id) });
  given.challenge = toBytes(given.challenge);
  if (given.user) given.user.id = toBytes(given.user.id);
  given.excludeCredentials = given.excludeCredentials?.map(withBytes);
  given.allowCredentials = given.allowCredentials?.map(withBytes);
  return { publicKey: given };
}

/** Make a passkey, or use one, as the page asks. */
function request() {
  const { credentials } = navigator;
  return form.dataset.passkey === "create" ? credentials.create(options()) : credentials.get(options());
}

/** @param {AuthenticatorResponse} response */
function parts(response) {
  if (response instanceof AuthenticatorAttestationResponse) {
    return {
      attestationObject: toText(response.attestationObject),
      transports: response.getTransports?.() ?? [],
    };
  }
  const { authenticatorData, signature } = /** @type {AuthenticatorAssertionResponse} */ (response);
  return { authenticatorData: toText(authenticatorData), signature: toText(signature) };
}

/** @param {PublicKeyCredential} answer */
function written({ id, rawId, type, response }) {
  const clientDataJSON = toText(response.clientDataJSON);
  return JSON.stringify({ id, rawId: toText(rawId), type, response: { clientDataJSON, ...parts(response) } });
}

/** @type {Record<string, string>} */
const FAULTS = { NotAllowedError: "denied", AbortError: "denied", InvalidStateError: "there" };

async function ask() {
  button.disabled = true;
  say("asking");
  try {
    credential.value = written(/** @type {PublicKeyCredential} */ (await request()));
  } catch (error) {
    say((error instanceof Error && FAULTS[error.name]) || "failed");
    return;
  } finally {
    button.disabled = false;
  }
  form.submit();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});

// Back from the history: what was asked then has been answered.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

need(HTMLElement, "[data-without-script]").hidden = true;
if (!window.PublicKeyCredential) say("failed");
else {
  form.hidden = false;
  if ("atOnce" in form.dataset) ask();
}
