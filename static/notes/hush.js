// Hush: the notebook blurs when its reader looks away for some seconds, or a second face comes into the picture. The
// camera's pictures stay in this browser, which finds the faces itself; nothing is kept, and nothing is sent. It knows
// that there is one face, not whose. It works where the browser has FaceDetector, and says so where it has not.

import { find } from "../site/dom.js";

const CHOICE = "hush"; // the one thing that is kept on this device, where its owner has switched it on
const EVERY = 700; // ms between two looks
const AWAY = 3_000; // ms without a face until it blurs
const SECOND = 2; // looks in a row with another face: one may be a mistake

/**
 * @typedef {{ detect: (picture: HTMLVideoElement) => Promise<unknown[]> }} Detector
 * @typedef {{ FaceDetector?: new (options: { fastMode: boolean, maxDetectedFaces: number }) => Detector }} Seeing
 */

export const chosen = () => localStorage.getItem(CHOICE) === "1";

/**
 * Whether the page is to be blurred, from how many faces there were.
 *
 * @param {{ now: number, seen: number, others: number, hushed: boolean }} state
 * @param {number} faces
 */
export function judge(state, faces) {
  const others = faces > 1 ? state.others + 1 : 0;
  const seen = faces ? state.now : state.seen;
  const hushed = others >= SECOND || state.now - seen >= AWAY || (state.hushed && faces !== 1);
  return { ...state, seen, others, hushed };
}

export class Hush {
  #detector;
  #video = document.createElement("video");
  #says;
  #timer = 0;
  #state = { now: Date.now(), seen: Date.now(), others: 0, hushed: false };

  /**
   * @param {Detector} detector
   * @param {HTMLElement | null} says where it is said
   */
  constructor(detector, says) {
    this.#detector = detector;
    this.#says = says;
  }

  async start() {
    const video = { facingMode: "user", width: 320, height: 240 };
    this.#video.srcObject = await navigator.mediaDevices.getUserMedia({ video });
    this.#video.muted = true;
    await this.#video.play();
    this.#timer = setTimeout(() => this.#look());
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = -1;
    for (const track of /** @type {MediaStream | null} */ (this.#video.srcObject)?.getTracks() ?? []) track.stop();
    this.#show(false);
  }

  async #look() {
    let faces;
    try {
      faces = (await this.#detector.detect(this.#video)).length;
    } catch {
      return this.stop(); // a detector that fails says nothing against anybody
    }
    if (this.#timer === -1) return;
    this.#state = judge({ ...this.#state, now: Date.now() }, faces);
    this.#show(this.#state.hushed);
    this.#timer = setTimeout(() => this.#look(), EVERY);
  }

  /** @param {boolean} hushed */
  #show(hushed) {
    document.body.classList.toggle("hushed", hushed);
    if (this.#says) this.#says.textContent = (hushed && this.#says.dataset.hushed) || "";
  }
}

/** Set up the switch of the preferences, and begin where it is on. */
export async function hush() {
  const { FaceDetector } = /** @type {Seeing} */ (window);
  const box = find(HTMLInputElement, "[data-hush] input");
  const part = find(HTMLElement, "[data-hush]");
  if (part) part.hidden = false;
  const cannot = find(HTMLElement, "[data-hush-cannot]");
  if (cannot) cannot.hidden = Boolean(FaceDetector);
  if (box) box.disabled = !FaceDetector;
  if (!FaceDetector) return;
  const running = new Hush(new FaceDetector({ fastMode: true, maxDetectedFaces: 2 }), find(HTMLElement, "[data-hush-says]"));
  box?.addEventListener("change", () => {
    if (box.checked) {
      localStorage.setItem(CHOICE, "1");
      running.start().catch(() => turnOff(box));
    } else {
      localStorage.removeItem(CHOICE);
      running.stop();
    }
  });
  if (box) box.checked = chosen();
  // A picture that is still to come would hold up the page's load event.
  if (document.readyState !== "complete") await new Promise((loaded) => addEventListener("load", loaded));
  if (chosen()) await running.start().catch(() => box && turnOff(box));
}

/** No camera, no hush: the switch tells the truth. @param {HTMLInputElement} box */
function turnOff(box) {
  box.checked = false;
  localStorage.removeItem(CHOICE);
}
