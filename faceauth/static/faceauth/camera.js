// The camera of this device: start it, take its current frame, stop it.

const FRONT_CAMERA = {
  audio: false,
  video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } },
};

// What getUserMedia can fail with (Media Capture and Streams, W3C), as the four things a person can do about it.
const FAILURES = {
  NotAllowedError: "denied",
  SecurityError: "insecure",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** Play the front camera in `video`. Throws the name of a failure: denied, none, busy, insecure or failed. */
export async function start(video) {
  if (!window.isSecureContext) throw "insecure";
  if (!navigator.mediaDevices?.getUserMedia) throw "none";
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia(FRONT_CAMERA);
    await video.play();
  } catch (error) {
    stop(video);
    throw FAILURES[error.name] ?? "failed";
  }
}

export function stop(video) {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
}
