// The liveness check of one session: the camera's frames go to this page's own address, which says what to do next.

const HEIGHT = 480; // pixels of a frame
const QUALITY = 0.8; // keeps it well under 204,800 bytes
const PAUSE = 120; // ms; the service takes a frame each 100 ms at most

/** @type {Record<string, string>} */
const SENTENCES = {
  straight: "Look straight at the camera.",
  left: "Turn your head to your left, slowly.",
  right: "Turn your head to your right, slowly.",
  up: "Raise your chin a little.",
  closer: "Come a little closer.",
  less: "Not quite so far, please.",
  other: "Not quite. Let us try something else.",
  no_face: "There is no face in the picture.",
  several_faces: "There is more than one face in the picture.",
  too_small: "Come a little closer.",
  too_dark: "It is too dark here.",
  too_bright: "It is too bright here.",
  blurred: "Hold still for a moment.",
};

const video = /** @type {HTMLVideoElement} */ (document.querySelector("video"));
const progress = /** @type {HTMLProgressElement} */ (document.querySelector("progress"));
const said = /** @type {HTMLElement} */ (document.querySelector("#say"));
const button = /** @type {HTMLButtonElement} */ (document.querySelector("button"));
const canvas = document.createElement("canvas");

/** @param {number} time ms */
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** @param {string} sentence */
function tell(sentence) {
  if (said.textContent !== sentence) said.textContent = sentence;
}

/** @returns {Promise<Blob | null>} */
function frame() {
  canvas.height = HEIGHT;
  canvas.width = Math.round((HEIGHT * video.videoWidth) / video.videoHeight);
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

async function check() {
  for (let number = 1; ; number++) {
    const response = await fetch(`${location.pathname}?number=${number}`, { method: "POST", body: await frame() });
    if (!response.ok) throw new Error("This session is over. Please ask for a new one.");
    const { state, say, progress: share } = await response.json();
    progress.value = share;
    if (state === "passed") return "Thank you, that is all. You can close this page.";
    if (state === "failed") return "That did not work. Please ask for a new session.";
    tell(SENTENCES[say] ?? "Your face cannot be seen well.");
    await sleep(PAUSE);
  }
}

button.addEventListener("click", async () => {
  button.hidden = true;
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    await video.play();
    tell(await check());
  } catch (error) {
    tell(error instanceof DOMException ? "The camera is not allowed, or not there." : String(error).replace("Error: ", ""));
  } finally {
    if (video.srcObject instanceof MediaStream) video.srcObject.getTracks().forEach((track) => track.stop());
  }
});
