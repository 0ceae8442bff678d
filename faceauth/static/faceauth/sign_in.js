// The sign-in page: a liveness check before the camera or a chosen photo, and then an ordinary form POST.

import * as camera from "./camera.js";
import "./history.js";
import * as guide from "./guide.js";
import { look } from "./liveness.js";
import { avoidCanvas, frame, freeze, smaller, spoilt, untouched } from "./photo.js";
import { proved } from "./device.js";
import { find, need } from "./dom.js";

const form = need(HTMLFormElement, "[data-sign-in]");
const glass = need(HTMLElement, "[data-glass]");
const video = need(HTMLVideoElement, "[data-video]");
const still = need(HTMLCanvasElement, "[data-still]");
const voice = need(HTMLElement, "[data-voice]");
const status = need(HTMLElement, "[data-status]");
const image = need(HTMLInputElement, "[data-image]", form);
const frames = need(HTMLInputElement, "[data-frames]", form);
const start = need(HTMLButtonElement, "[data-start]", form);
const take = need(HTMLButtonElement, "[data-take]", form);
const halt = need(HTMLButtonElement, "[data-stop]", form);
const why = need(HTMLElement, "[data-why]", form);
const which = need(HTMLElement, "[data-which]", form);
const cameras = need(HTMLSelectElement, "[data-cameras]", form);
const more = find(HTMLButtonElement, "[data-extend]", form); // where one picture is enough there is none
// Where photos are not allowed there are none of these two.
const prefer = find(HTMLButtonElement, "[data-prefer-photo]", form);
const file = find(HTMLInputElement, "[data-file]", form);

// Where the server wants to see somebody living, it leads a conversation; elsewhere one picture is enough.
const conversation = "livenessUrl" in form.dataset;
const greeting = voice.textContent ?? "";
const HINTS = ["other", "less"];
const HINT = 1400; // milliseconds that a hint is left standing, though the server is back at its request by then
const OFFER_MORE = 6000; // milliseconds after which more time is offered: most are through by then
let hinted = 0;
let began = 0;
let wantsMore = false;
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
  find(HTMLElement, "[data-refused]", glass)?.remove();
  video.hidden = element !== video;
  still.hidden = element !== still;
  glass.classList.toggle("sees", element !== null);
}

function stop() {
  underWay?.abort();
  underWay = null;
  camera.stop(video);
  show(null);
  guide.end();
  which.hidden = true;
}

function offerStart() {
  take.hidden = halt.hidden = true;
  if (more) more.hidden = true;
  start.hidden = false;
}

/** @param {boolean} first whether a photo is the way to go, and not the camera */
function preferPhoto(first) {
  start.classList.toggle("primary", !first || !prefer);
  prefer?.classList.toggle("primary", first);
  prefer?.classList.toggle("ghost", !first);
}

/** @param {string} [id] of the camera; that of before if none is given */
async function openCamera(id) {
  start.disabled = true;
  say("asking");
  try {
    await camera.start(video, id);
    if (spoilt()) await withoutCanvas();
  } catch (failure) {
    stop();
    say(/** @type {Error} */ (failure).message);
    offerStart();
    preferPhoto(true);
    (prefer ?? start).focus();
    return;
  } finally {
    start.disabled = false;
  }
  show(video);
  why.hidden = true;
  start.hidden = true;
  listCameras();
  if (conversation) {
    halt.hidden = false;
    await converse();
    return;
  }
  say("live");
  take.hidden = false;
  take.focus();
}

async function withoutCanvas() {
  if (!conversation || !(await untouched(video))) throw new Error("spoilt");
  avoidCanvas();
}

async function listCameras() {
  const several = await camera.cameras();
  which.hidden = several.length < 2 || video.hidden;
  const names = several.map(({ deviceId, label }, place) => new Option(label || `${form.dataset.numbered} ${place + 1}`, deviceId));
  cameras.replaceChildren(...names);
  cameras.value = camera.playing(video);
}

// The liveness check ---------------------------------------------------------------------------------------------------

async function converse() {
  const mine = (underWay = new AbortController());
  guide.begin();
  began = performance.now();
  wantsMore = false;
  const { livenessUrl: startUrl = "", frameUrl = "", extendUrl = "" } = form.dataset;
  const kind = "full" in form.dataset ? "full" : "";
  const token = need(HTMLInputElement, "[name=csrfmiddlewaretoken]", form).value;
  const urls = { startUrl, frameUrl, extendUrl };
  const asksForMore = () => {
    const asked = wantsMore;
    wantsMore = false;
    return asked;
  };
  try {
    await proved; // which writes the session
    const jpegs = await look(video, { ...urls, kind, token, signal: mine.signal, tell, asksForMore, extended });
    const files = new DataTransfer();
    for (const jpeg of jpegs) files.items.add(new File([jpeg], "frame.jpg", { type: "image/jpeg" }));
    frames.files = files.files;
    keepShowing();
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
function tell(answer) {
  if (performance.now() >= hinted) {
    speak(answer.message);
    hinted = HINTS.includes(answer.say) || answer.hint ? performance.now() + HINT : 0;
  }
  guide.show(answer);
  if (more && more.dataset.extend === "") more.hidden = performance.now() - began < OFFER_MORE;
}

function extended() {
  if (!more) return;
  more.hidden = true;
  more.dataset.extend = "given"; // once
  hinted = performance.now() + HINT;
  say("longer");
}

/** The glass keeps showing the last moment while the server thinks. */
function keepShowing() {
  freeze(video, still);
  camera.stop(video);
  guide.end();
  still.classList.remove("unmirrored");
  show(still);
}

// One picture ----------------------------------------------------------------------------------------------------------

function takePicture() {
  if (!video.videoWidth) return; // the first frame is not there yet
  image.value = frame(video, still);
  keepShowing();
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
  if (file && (image.value || frames.files?.length)) file.disabled = true;
  say("thinking");
  which.hidden = true;
  glass.classList.add("thinks");
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  form.submit();
}

// Back from the history: the page as it was at first, with no picture and no camera.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
window.addEventListener("pagehide", stop);

start.addEventListener("click", () => openCamera());
halt.addEventListener("click", () => {
  stop();
  speak(greeting);
  offerStart();
  start.focus();
});
take.addEventListener("click", takePicture);
more?.addEventListener("click", () => {
  wantsMore = true;
  more.hidden = true;
  halt.focus();
});
cameras.addEventListener("change", () => {
  const id = cameras.value;
  camera.choose(id);
  stop();
  openCamera(id);
});
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
  if (document.visibilityState === "visible" && !start.hidden) await openCamera();
}
startByItself();

need(HTMLElement, "[data-camera]", form).hidden = false;
find(HTMLElement, "[data-unscripted]", form)?.remove();
const refused = find(HTMLElement, "[data-refused]", glass);
why.hidden = refused !== null;
if (prefer && file) {
  need(HTMLElement, "[data-chooser]", form).hidden = true; // choosing is enough
  prefer.addEventListener("click", () => file.click());
  file.addEventListener("change", () => sendPhoto(file));
  if (refused) preferPhoto(true);
  else camera.cameras().then((found) => preferPhoto(!found.length));
}
