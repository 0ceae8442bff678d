// The door: a look into the camera or a chosen photo, and then an ordinary form POST.

import * as camera from "./camera.js";
import "./history.js";
import { look } from "./liveness.js";
import { frame, smaller } from "./photo.js";

const form = document.querySelector("[data-sign-in]");
const glass = document.querySelector("[data-glass]");
const video = document.querySelector("[data-video]");
const still = document.querySelector("[data-still]");
const arc = document.querySelector("[data-arc]");
const cue = document.querySelector("[data-cue]");
const voice = document.querySelector("[data-voice]");
const status = document.querySelector("[data-status]");
const part = (name) => form.querySelector(`[data-${name}]`);
const [image, frames, start, take, prefer, why, chooser, file] = [
  "image",
  "frames",
  "start",
  "take",
  "prefer-photo",
  "why",
  "chooser",
  "file",
].map(part);

// Where the server wants to see somebody living, it leads a conversation; elsewhere one picture is enough.
const conversation = "lookUrl" in form.dataset;
const HINTS = ["other", "less"];
const HINT = 1400; // milliseconds that a hint is left standing, though the server is back at its request by then
let hinted = 0;
let underWay = null;

function say(what) {
  speak(form.dataset[what]);
}

function speak(message) {
  // Read out when it changes, not three times a second.
  if (voice.textContent !== message) voice.textContent = status.textContent = message;
}

function show(element) {
  video.hidden = element !== video;
  still.hidden = element !== still;
  glass.classList.toggle("sees", element !== null);
}

/** As `hidden`, which drawings do not have. */
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
  take.hidden = true;
  start.hidden = false;
}

function offerChooser() {
  stop();
  offerStart();
  start.classList.toggle("primary", !chooser);
  if (!chooser) return;
  chooser.hidden = false;
  prefer.hidden = true;
  file.focus();
}

async function openCamera() {
  start.disabled = true;
  say("asking");
  try {
    await camera.start(video);
  } catch (failure) {
    say(failure);
    offerChooser();
    return;
  } finally {
    start.disabled = false;
  }
  show(video);
  why.hidden = true;
  start.hidden = true;
  if (chooser) {
    chooser.hidden = true;
    prefer.hidden = false;
  }
  if (conversation) {
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
  const { lookUrl: startUrl, frameUrl } = form.dataset;
  const token = form.elements.csrfmiddlewaretoken.value;
  try {
    const jpegs = await look(video, { startUrl, frameUrl, token, signal: mine.signal, tell });
    const files = new DataTransfer();
    for (const jpeg of jpegs) files.items.add(new File([jpeg], "frame.jpg", { type: "image/jpeg" }));
    frames.files = files.files;
    freeze();
    if (file) file.disabled = true;
    send();
  } catch (error) {
    if (mine.signal.aborted) return; // somebody chose a photo, or left
    stop();
    speak((error instanceof TypeError ? "" : error.message) || form.dataset.broken);
    offerStart();
    start.textContent = form.dataset.again;
    start.focus();
  }
}

function tell({ say: what, message, progress: done }) {
  if (performance.now() >= hinted) {
    speak(message);
    hinted = HINTS.includes(what) ? performance.now() + HINT : 0;
  }
  hide(cue, !["left", "right", "up"].includes(what));
  cue.dataset.cue = what;
  if (done !== undefined) progress(done);
}

function progress(share) {
  arc.querySelector("[data-done]").style.strokeDashoffset = 100 - 100 * share;
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
  file.disabled = true;
  send();
}

async function sendPhoto() {
  const [chosen] = file.files;
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
    file.files = files.files;
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
take.addEventListener("click", takePicture);
form.addEventListener("submit", () => say("thinking"));

part("camera").hidden = false;
part("unscripted")?.remove();
why.hidden = false;
if (chooser) {
  chooser.hidden = true;
  chooser.querySelector("button").hidden = true; // choosing is enough
  prefer.addEventListener("click", () => {
    offerChooser();
    file.click();
  });
  file.addEventListener("change", sendPhoto);
}
