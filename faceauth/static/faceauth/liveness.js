// The look: frames go to the server one after the other, and it says what to do next.

import { smallFrame } from "./photo.js";

const EVERY = 320; // milliseconds from one frame to the next; on a slow line the next goes when the answer has come
const PAUSE = 120; // at least, after an answer: the server takes no frames faster than a page sends them

/**
 * What the server answers to the start of a look, and to each frame.
 *
 * @typedef {object} Answer
 * @property {string} [state] "passed" and "failed" end the look
 * @property {string} say what the person is asked to do
 * @property {string} message the same, as a sentence
 * @property {number} [progress] 0 to 1
 * @property {boolean} [keep] whether this frame may be one to sign in with
 * @property {number[]} [best] the places of those to sign in with among the frames that were kept
 */

/** @param {number} time ms */
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

/**
 * Wait for a frame of the camera that was not sent before: two of one moment would be the same picture twice.
 *
 * @param {HTMLVideoElement} video
 */
function fresh(video) {
  if (!("requestVideoFrameCallback" in video)) return sleep(50);
  return Promise.race([new Promise((resolve) => video.requestVideoFrameCallback(resolve)), sleep(1000)]);
}

/**
 * Lead the conversation. Gives the JPEG blobs to sign in with, the best first. Throws what `fetch` throws, or an Error
 * whose message is for the person; empty where the server had none.
 *
 * @param {HTMLVideoElement} video
 * @param {object} conversation
 * @param {string} conversation.startUrl
 * @param {string} conversation.frameUrl
 * @param {string} conversation.kind "full" asks for all of it, also on a trusted device
 * @param {string} conversation.token the CSRF token
 * @param {AbortSignal} conversation.signal ends it
 * @param {(answer: Answer) => void} conversation.tell is called with each answer
 */
export async function look(video, { startUrl, frameUrl, kind, token, signal, tell }) {
  /** @type {(url: string, body?: Blob | URLSearchParams) => Promise<Answer>} */
  const post = async (url, body) => {
    const headers = new Headers({ "X-CSRFToken": token, Accept: "application/json" });
    if (body instanceof Blob) headers.set("Content-Type", "image/jpeg");
    const response = await fetch(url, { method: "POST", body, headers, signal });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok || answer.state === "failed") throw new Error(answer.message ?? "");
    return answer;
  };
  const canvas = document.createElement("canvas");
  /** @type {Blob[]} */
  const kept = [];
  tell(await post(startUrl, new URLSearchParams({ kind })));
  for (let number = 1; ; number++) {
    await fresh(video);
    const began = performance.now();
    const frame = await smallFrame(video, canvas);
    const answer = await post(`${frameUrl}?number=${number}`, frame);
    if (answer.keep) kept.push(frame);
    tell(answer);
    if (answer.state === "passed") return (answer.best ?? []).map((place) => kept[place]);
    await sleep(Math.max(PAUSE, EVERY - (performance.now() - began)));
  }
}
