// The camera of this device: start it, choose among several, stop it.

const CHOSEN = "faceauth.camera"; // in localStorage: the camera that was chosen on this device

const FRONT_CAMERA = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };

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

/** The id of the chosen camera; "" where none was chosen, or this browser keeps nothing. */
function chosen() {
  try {
    return localStorage.getItem(CHOSEN) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} id of the camera to use on this device from now on */
export function choose(id) {
  try {
    localStorage.setItem(CHOSEN, id);
  } catch {
    // This browser keeps nothing: the choice lasts as long as the page.
  }
}

/**
 * Play the chosen or the front camera in `video`. Throws an Error whose message is denied, none, busy, insecure or failed.
 *
 * @param {HTMLVideoElement} video
 * @param {string} [id] of the camera; the one that was chosen before, if none is given
 */
export async function start(video, id = chosen()) {
  if (!window.isSecureContext) throw new Error("insecure");
  if (!navigator.mediaDevices?.getUserMedia) throw new Error("none");
  const which = id ? { ...FRONT_CAMERA, facingMode: undefined, deviceId: { ideal: id } } : FRONT_CAMERA;
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ audio: false, video: which });
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

/** The cameras of this device. Before the camera is allowed, browsers tell how many kinds there are, and no names. */
export async function cameras() {
  if (!window.isSecureContext || !navigator.mediaDevices?.enumerateDevices) return [];
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return devices.filter(({ kind }) => kind === "videoinput");
}

/** @param {HTMLVideoElement} video @returns {string} the id of the camera that plays */
export function playing(video) {
  return video.srcObject instanceof MediaStream ? (video.srcObject.getVideoTracks()[0]?.getSettings().deviceId ?? "") : "";
}
