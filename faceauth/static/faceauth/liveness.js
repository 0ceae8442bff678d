// The look: frames go to the server one after the other, and it says what to do next.

import { smallFrame } from "./photo.js";

const EVERY = 320; // milliseconds from one frame to the next; on a slow line the next goes when the answer has come
const PAUSE = 120; // at least, after an answer: the server takes no frames faster than a page sends them

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** A frame of the camera that was not sent before: two of one moment would be the same picture twice. */
function fresh(video) {
  if (!video.requestVideoFrameCallback) return sleep(50);
  return Promise.race([new Promise((resolve) => video.requestVideoFrameCallback(resolve)), sleep(1000)]);
}

/** Lead the conversation. `tell` is called with each answer {say, message, progress}. Gives the JPEG blobs to sign in
    with, the best first. Throws what `fetch` throws, or an Error whose message is for the person; empty where the
    server had none. */
export async function look(video, { startUrl, frameUrl, token, signal, tell }) {
  const post = async (url, body) => {
    const headers = { "X-CSRFToken": token, Accept: "application/json" };
    if (body) headers["Content-Type"] = "image/jpeg";
    const response = await fetch(url, { method: "POST", body, headers, signal });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok || answer.state === "failed") throw new Error(answer.message ?? "");
    return answer;
  };
  const canvas = document.createElement("canvas");
  const kept = [];
  tell(await post(startUrl));
  for (let number = 1; ; number++) {
    await fresh(video);
    const began = performance.now();
    const frame = await smallFrame(video, canvas);
    const answer = await post(`${frameUrl}?number=${number}`, frame);
    if (answer.keep) kept.push(frame);
    tell(answer);
    if (answer.state === "passed") return answer.best.map((place) => kept[place]);
    await sleep(Math.max(PAUSE, EVERY - (performance.now() - began)));
  }
}
