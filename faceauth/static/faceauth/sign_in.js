// The door: a look into the camera or a chosen photo, and then an ordinary form POST.

import * as camera from "./camera.js";
import "./history.js";
import { look } from "./liveness.js";
import { frame, smaller } from "./photo.js";
import { proved } from "./device.js";
import { find, need } from "./dom.js";

const form = need(HTMLFormElement, "[data-sign-in]");
const glass = need(HTMLElement, "[data-glass]");
const video = need(HTMLVideoElement, "[data-video]");
const still = need(HTMLCanvasElement, "[data-still]");
const arc = need(SVGElement, "[data-arc]");
const done = need(SVGElement, "[data-done]", arc);
const cue = need(SVGElement, "[data-cue]");
const voice = need(HTMLElement, "[data-voice]");
const status = need(HTMLElement, "[data-status]");
const image = need(HTMLInputElement, "[data-image]", form);
const frames = need(HTMLInputElement, "[data-frames]", form);
const start = need(HTMLButtonElement, "[data-start]", form);
const take = need(HTMLButtonElement, "[data-take]", form);
const halt = need(HTMLButtonElement, "[data-stop]", form);
const why = need(HTMLElement, "[data-why]", form);
// Where photos are not allowed there are none of these three.
const prefer = find(HTMLButtonElement, "[data-prefer-photo]", form);
const chooser = find(HTMLElement, "[data-chooser]", form);
const file = find(HTMLInputElement, "[data-file]", form);

// Where the server wants to see somebody living, it leads a conversation; elsewhere one picture is enough.
const conversation = "livenessUrl" in form.dataset;
const greeting = voice.textContent ?? "";
const HINTS = ["other", "less"];
const HINT = 1400; // milliseconds that a hint is left standing, though the server is back at its request by then
let hinted = 0;
/** @type {AbortController | null} */
let underWay = null;

/** @param {string} what the name of a sentence in the form's data */
function say(what) {
  speak(form.dataset[what] ?? "");
}

/** @param {string} message */
function speak(message) {
  // Read out when it changes, not three times a second.
  if (voice.textContent !== message) voice.textContent = status.textContent = message;
}

/** @param {HTMLElement | null} element what the glass shows: the video, the still, or nothing */
function show(element) {
  video.hidden = element !== video;
  still.hidden = element !== still;
  glass.classList.toggle("sees", element !== null);
}

/**
 * As `hidden`, which drawings do not have.
 *
 * @param {SVGElement} drawing
 */
function hide(drawing, hidden = true) {
  drawing.toggleAttribute("hidden", hidden);
}

function stop() {
  underWay?.abort();
  underWay = null;
  camera.stop(video);
  show(null);
  hide(arc);
  hide(cue);
}

function offerStart() {
  take.hidden = halt.hidden = true;
  start.hidden = false;
}

/** @param {boolean} open whether the chooser is shown, or the button that opens it */
function offerPhoto(open) {
  if (chooser) chooser.hidden = !open;
  if (prefer) prefer.hidden = open;
}

function offerChooser() {
  stop();
  offerStart();
  start.classList.toggle("primary", !chooser);
  offerPhoto(true);
  file?.focus();
}

async function openCamera() {
  start.disabled = true;
  say("asking");
  try {
    await camera.start(video);
  } catch (failure) {
    say(/** @type {Error} */ (failure).message);
    offerChooser();
    return;
  } finally {
    start.disabled = false;
  }
  show(video);
  why.hidden = true;
  start.hidden = true;
  offerPhoto(false);
  if (conversation) {
    halt.hidden = false;
    await converse();
    return;
  }
  say("live");
  take.hidden = false;
  take.focus();
}

// The look -------------------------------------------------------------------------------------------------------------

async function converse() {
  const mine = (underWay = new AbortController());
  hide(arc, false);
  progress(0);
  const { livenessUrl: startUrl = "", frameUrl = "" } = form.dataset;
  const kind = "full" in form.dataset ? "full" : "";
  const token = need(HTMLInputElement, "[name=csrfmiddlewaretoken]", form).value;
  try {
    const jpegs = await look(video, { startUrl, frameUrl, kind, token, signal: mine.signal, tell });
    const files = new DataTransfer();
    for (const jpeg of jpegs) files.items.add(new File([jpeg], "frame.jpg", { type: "image/jpeg" }));
    frames.files = files.files;
    freeze();
    if (file) file.disabled = true;
    send();
  } catch (error) {
    if (mine.signal.aborted) return; // somebody chose a photo, or left
    stop();
    const message = error instanceof Error && !(error instanceof TypeError) ? error.message : "";
    speak(message || form.dataset.broken || "");
    offerStart();
    start.textContent = form.dataset.again ?? "";
    start.focus();
  }
}

/** @param {import("./liveness.js").Answer} answer */
function tell({ say: what, message, progress: share }) {
  if (performance.now() >= hinted) {
    speak(message);
    hinted = HINTS.includes(what) ? performance.now() + HINT : 0;
  }
  hide(cue, !["left", "right", "up"].includes(what));
  cue.dataset.cue = what;
  if (share !== undefined) progress(share);
}

/** @param {number} share 0 to 1 */
function progress(share) {
  done.style.strokeDashoffset = `${100 - 100 * share}`;
}

/** The glass keeps showing the last moment while the server thinks. */
function freeze() {
  frame(video, still);
  camera.stop(video);
  hide(cue);
  still.classList.remove("unmirrored");
  show(still);
}

// One picture ----------------------------------------------------------------------------------------------------------

function takePicture() {
  if (!video.videoWidth) return; // the first frame is not there yet
  image.value = frame(video, still);
  camera.stop(video);
  show(still);
  still.classList.remove("unmirrored");
  if (file) file.disabled = true;
  send();
}

/** @param {HTMLInputElement} input where the photo was chosen */
async function sendPhoto(input) {
  const chosen = input.files?.[0];
  if (!chosen) return;
  stop();
  image.value = "";
  const photo = await smaller(chosen, still);
  if (photo.shown) {
    still.classList.add("unmirrored");
    show(still);
  }
  if (photo.file !== chosen) {
    const files = new DataTransfer();
    files.items.add(photo.file);
    input.files = files.files;
  }
  send();
}

function send() {
  say("thinking");
  glass.classList.add("thinks");
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  form.submit();
}

// Back from the history: the page as it was at first, with no picture and no camera.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
window.addEventListener("pagehide", stop);

start.addEventListener("click", openCamera);
halt.addEventListener("click", () => {
  stop();
  speak(greeting);
  offerStart();
  start.focus();
});
take.addEventListener("click", takePicture);
form.addEventListener("submit", () => say("thinking"));

/** On a trusted device, where the camera is allowed already, nobody has to click. */
async function startByItself() {
  if (!conversation || !("starts" in form.dataset)) return;
  try {
    const permission = await navigator.permissions.query({ name: /** @type {PermissionName} */ ("camera") });
    if (permission.state !== "granted") return;
  } catch {
    return; // this browser does not say
  }
  await proved;
  if (document.visibilityState === "visible" && !start.hidden) await openCamera();
}
startByItself();

need(HTMLElement, "[data-camera]", form).hidden = false;
find(HTMLElement, "[data-unscripted]", form)?.remove();
why.hidden = false;
if (chooser && prefer && file) {
  chooser.hidden = true;
  need(HTMLButtonElement, "button", chooser).hidden = true; // choosing is enough
  prefer.addEventListener("click", () => {
    offerChooser();
    file.click();
  });
  file.addEventListener("change", () => sendPhoto(file));
}
