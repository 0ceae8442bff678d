// The camera of this device: start it, take its current frame, stop it.

const FRONT_CAMERA = {
  audio: false,
  video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } },
};

/**
 * What getUserMedia can fail with (Media Capture and Streams, W3C), as the four things a person can do about it.
 *
 * @type {Record<string, string>}
 */
const FAILURES = {
  NotAllowedError: "denied",
  SecurityError: "insecure",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};

/**
 * Play the front camera in `video`. Throws an Error whose message is denied, none, busy, insecure or failed.
 *
 * @param {HTMLVideoElement} video
 */
export async function start(video) {
  if (!window.isSecureContext) throw new Error("insecure");
  if (!navigator.mediaDevices?.getUserMedia) throw new Error("none");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia(FRONT_CAMERA);
    await video.play();
  } catch (error) {
    stop(video);
    throw new Error((error instanceof Error && FAILURES[error.name]) || "failed", { cause: error });
  }
}

/** @param {HTMLVideoElement} video */
export function stop(video) {
  if (video.srcObject instanceof MediaStream) video.srcObject.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
}
