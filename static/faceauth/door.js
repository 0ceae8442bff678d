// The door: camera or chosen photo, and then an ordinary form POST.

import * as camera from "./camera.js";
import "./history.js";
import { frame, smaller } from "./photo.js";

const form = document.querySelector("[data-door]");
const glass = document.querySelector("[data-glass]");
const video = document.querySelector("[data-video]");
const still = document.querySelector("[data-still]");
const voice = document.querySelector("[data-voice]");
const status = document.querySelector("[data-status]");
const part = (name) => form.querySelector(`[data-${name}]`);
const [image, start, take, prefer, why, chooser, file] = ["image", "start", "take", "prefer-photo", "why", "chooser", "file"].map(part);

function say(what) {
  voice.textContent = status.textContent = form.dataset[what];
}

function show(element) {
  video.hidden = element !== video;
  still.hidden = element !== still;
  glass.classList.toggle("sees", element !== null);
}

function offerChooser() {
  camera.stop(video);
  show(null);
  chooser.hidden = false;
  prefer.hidden = true;
  take.hidden = true;
  start.hidden = false;
  start.classList.remove("primary");
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
  say("live");
  show(video);
  why.hidden = true;
  start.hidden = true;
  chooser.hidden = true;
  prefer.hidden = false;
  take.hidden = false;
  take.focus();
}

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
  camera.stop(video);
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
window.addEventListener("pagehide", () => camera.stop(video));

start.addEventListener("click", openCamera);
take.addEventListener("click", takePicture);
prefer.addEventListener("click", () => {
  offerChooser();
  file.click();
});
file.addEventListener("change", sendPhoto);
form.addEventListener("submit", () => say("thinking"));

part("camera").hidden = false;
why.hidden = false;
chooser.hidden = true;
chooser.querySelector("button").hidden = true; // choosing is enough
