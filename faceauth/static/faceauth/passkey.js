// A passkey: the browser makes or uses one, and the answer goes into an ordinary form POST.

const form = document.querySelector("[data-passkey]");
const voice = document.querySelector("[data-voice]");
const status = document.querySelector("[data-status]");
const credential = form.querySelector("[data-credential]");
const button = form.querySelector("button");
const kind = form.dataset.passkey;

function say(what) {
  voice.textContent = status.textContent = form.dataset[what] ?? form.dataset.failed;
}

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

// The options as the server writes them: JSON, with bytes in base64url (WebAuthn Level 3, 5.1.8 to 5.1.10).
function options() {
  const given = JSON.parse(form.dataset.options);
  const withBytes = (descriptor) => ({ ...descriptor, id: toBytes(descriptor.id) });
  given.challenge = toBytes(given.challenge);
  if (given.user) given.user.id = toBytes(given.user.id);
  given.excludeCredentials = given.excludeCredentials?.map(withBytes);
  given.allowCredentials = given.allowCredentials?.map(withBytes);
  return { publicKey: given };
}

function written(answer) {
  const response = { clientDataJSON: toText(answer.response.clientDataJSON) };
  if (kind === "create") {
    response.attestationObject = toText(answer.response.attestationObject);
    response.transports = answer.response.getTransports?.() ?? [];
  } else {
    response.authenticatorData = toText(answer.response.authenticatorData);
    response.signature = toText(answer.response.signature);
  }
  return JSON.stringify({ id: answer.id, rawId: toText(answer.rawId), type: answer.type, response });
}

async function ask() {
  button.disabled = true;
  say("asking");
  try {
    credential.value = written(await navigator.credentials[kind](options()));
  } catch (error) {
    say({ NotAllowedError: "denied", AbortError: "denied", InvalidStateError: "there" }[error.name] ?? "failed");
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

document.querySelector("[data-without-script]").hidden = true;
if (!window.PublicKeyCredential) say("failed");
else {
  form.hidden = false;
  if ("atOnce" in form.dataset) ask();
}
