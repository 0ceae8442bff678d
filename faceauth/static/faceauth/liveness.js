// The liveness check: frames go to the server one after the other, and it says what to do next.

import { smallFrame } from "./photo.js";

// Milliseconds after an answer until the next frame. The server takes no frames faster than one in 100 ms, and how fast a
// page sends them makes nothing easier for anybody.
const SOON = 110; // while the head moves, or something has come of the frame
const EVERY = 160; // while somebody makes up their mind
const LATER = 320; // after a frame that was of no use: so many in a row end the check, and they may take their time
const MOVED = 3; // degrees between two frames
const ASKS = ["straight", "left", "right", "up", "closer"];

/**
 * Where the head is: `faceauth.liveness.hints.Live`.
 *
 * @typedef {object} Live
 * @property {number} yaw degrees to the person's left
 * @property {number} pitch degrees up
 * @property {boolean} fits whether distance and place are right
 */

/**
 * What the server answers to the start of a check, and to each frame.
 *
 * @typedef {object} Answer
 * @property {string} [state] "passed" and "failed" end the check
 * @property {string} say what the person is asked to do
 * @property {string} message what they hear, as a sentence
 * @property {number} [progress] 0 to 1
 * @property {boolean} [keep] whether this frame may be one to sign in with
 * @property {number[]} [best] the places of those to sign in with among the frames that were kept
 * @property {Live | null} [live]
 * @property {string | null} [hint] one thing to do, where nothing has come of the frames for some seconds
 */

/**
 * @typedef {object} Conversation
 * @property {string} startUrl
 * @property {string} frameUrl
 * @property {string} extendUrl
 * @property {string} kind "full" asks for all of it, also on a trusted device
 * @property {string} token the CSRF token
 * @property {AbortSignal} signal ends it
 * @property {(answer: Answer) => void} tell is called with each answer
 * @property {() => boolean} asksForMore whether somebody has just asked for more time
 * @property {() => void} extended is called when they have it
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
 * @param {Conversation} conversation
 * @param {string} url
 * @param {Blob | URLSearchParams} [body]
 */
async function post({ token, signal }, url, body) {
  const headers = new Headers({ "X-CSRFToken": token, Accept: "application/json" });
  if (body instanceof Blob) headers.set("Content-Type", "image/jpeg");
  const response = await fetch(url, { method: "POST", body, headers, signal });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || answer.state === "failed") throw new Error(answer.message ?? "");
  return answer;
}

/**
 * How long to wait for the next frame.
 *
 * @param {Answer} before
 * @param {Answer} now
 */
function pause(before, now) {
  if (!ASKS.includes(now.say) || !now.live) return LATER;
  const turned = Math.abs(now.live.yaw - (before.live?.yaw ?? 0)) >= MOVED;
  const raised = Math.abs(now.live.pitch - (before.live?.pitch ?? 0)) >= MOVED;
  return turned || raised || now.say !== before.say || now.progress !== before.progress ? SOON : EVERY;
}

/**
 * Lead the conversation. Gives the JPEG blobs to sign in with, the best first. Throws what `fetch` throws, or an Error
 * whose message is for the person; empty where the server had none.
 *
 * @param {HTMLVideoElement} video
 * @param {Conversation} conversation
 */
export async function look(video, conversation) {
  const canvas = document.createElement("canvas");
  /** @type {Blob[]} */
  const kept = [];
  /** @type {Answer} */
  let before = await post(conversation, conversation.startUrl, new URLSearchParams({ kind: conversation.kind }));
  conversation.tell(before);
  for (let number = 1; ; number++) {
    await fresh(video);
    const frame = await smallFrame(video, canvas);
    /** @type {Answer} */
    const answer = await post(conversation, `${conversation.frameUrl}?number=${number}`, frame);
    if (answer.keep) kept.push(frame);
    conversation.tell(answer);
    if (answer.state === "passed") return (answer.best ?? []).map((place) => kept[place]);
    if (conversation.asksForMore()) {
      const more = /** @type {{ extended?: boolean }} */ (await post(conversation, conversation.extendUrl));
      if (more.extended) conversation.extended();
    }
    await sleep(pause(before, answer));
    before = answer;
  }
}
