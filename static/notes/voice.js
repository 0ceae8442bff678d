// Hold to speak: the sound becomes a file of the note. A click records too, until the next one, for whoever cannot hold.

import { find, need } from "../site/dom.js";

const LONGEST = 600_000; // ms
const HELD = 600; // ms: shorter is a click
const BITS = 32_000; // a second: speech is clear, and ten minutes are 2.4 MB
/** What can be recorded, the type that most browsers play first. */
const TYPES = ["audio/mp4;codecs=mp4a.40.2", "audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/webm", "audio/mp4"];
/** @type {Record<string, string>} */
const ENDINGS = { "audio/mp4": "m4a", "audio/webm": "webm", "audio/ogg": "ogg" };

export class Voice {
  #button;
  #time;
  #take;
  /** @type {MediaRecorder | null} */
  #recorder = null;
  /** @type {Promise<void>} */
  #ended = Promise.resolve();
  #began = 0;
  #wanted = false; // the finger is still there, or it was a click
  #timer = 0;

  /**
   * @param {HTMLFormElement} form
   * @param {(file: File) => void} take what becomes of the sound
   */
  constructor(form, take) {
    this.#button = need(HTMLButtonElement, "[data-voice]", form);
    this.#time = need(HTMLElement, "[data-recording-time]", form);
    this.#take = take;
    this.#button.hidden = false;
    this.#button.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the words keep the focus
      if (this.recording) return void this.stop();
      this.#button.setPointerCapture(event.pointerId);
      this.#start();
    });
    this.#button.addEventListener("pointerup", () => {
      if (Date.now() - this.#began > HELD) this.stop();
    });
    this.#button.addEventListener("pointercancel", () => this.stop());
    this.#button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press on a phone
    this.#button.addEventListener("click", (event) => {
      if (event.detail) return; // a pointer, which has been heard; this is the keyboard
      if (this.recording) this.stop();
      else this.#start();
    });
  }

  get recording() {
    return this.#wanted;
  }

  async #start() {
    this.#wanted = true;
    this.#began = Date.now();
    this.#show();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (this.#wanted) this.#record(stream);
      else for (const track of stream.getTracks()) track.stop();
    } catch {
      this.#wanted = false;
      this.#show(this.#button.dataset.refused);
    }
  }

  /** @param {MediaStream} stream */
  #record(stream) {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS });
    /** @type {Blob[]} */
    const pieces = [];
    recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
    this.#ended = new Promise((done) => {
      recorder.addEventListener("stop", () => {
        for (const track of stream.getTracks()) track.stop();
        const type = recorder.mimeType.split(";")[0];
        if (pieces.some((piece) => piece.size)) this.#take(new File(pieces, this.#nameOf(type), { type }));
        done();
      });
    });
    recorder.start();
    this.#recorder = recorder;
    this.#began = Date.now();
    this.#timer = setInterval(() => {
      if (Date.now() - this.#began >= LONGEST) this.stop();
      else this.#show();
    }, 500);
  }

  /** @param {string} type */
  #nameOf(type) {
    const when = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "short" }).format(this.#began);
    return `${this.#button.dataset.name} ${when.replace(":", ".")}.${ENDINGS[type] ?? "webm"}`;
  }

  /** End the recording, and wait until its sound is a file. */
  async stop() {
    if (!this.#wanted) return this.#ended;
    this.#wanted = false;
    clearInterval(this.#timer);
    if (this.#recorder?.state === "recording") this.#recorder.stop();
    this.#recorder = null;
    this.#show();
    return this.#ended;
  }

  #show(fault = "") {
    this.#button.setAttribute("aria-pressed", String(this.#wanted));
    this.#time.hidden = !this.#wanted && !fault;
    const seconds = Math.floor((Date.now() - this.#began) / 1000);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.#time.textContent = fault || `${this.#button.dataset.recording} ${clock}`;
  }
}

/**
 * Give the form a button to speak, where this browser can record.
 *
 * @param {HTMLFormElement} form
 * @param {(file: File) => void} take
 */
export function voiceOf(form, take) {
  const able = "MediaRecorder" in window && navigator.mediaDevices && find(HTMLButtonElement, "[data-voice]", form);
  return able ? new Voice(form, take) : null;
}
