// Pictures made ready to be sent.

// The server looks at 700 px of height; more only takes longer to send.
const FRAME_HEIGHT = 700;
const LOOK_HEIGHT = 480;
const LOOK_QUALITY = 0.85;
const PHOTO_SIDE = 1600;
const SMALL_FILE = 500_000; // bytes; not worth the work below this
const QUALITY = 0.92;

/**
 * Draw `source` on the canvas, no larger than `maxWidth` by `maxHeight` pixels.
 *
 * @param {HTMLVideoElement | ImageBitmap} source
 * @param {HTMLCanvasElement} canvas
 * @param {number} sourceWidth
 * @param {number} sourceHeight
 * @param {number} maxWidth
 * @param {number} maxHeight
 */
function draw(source, canvas, sourceWidth, sourceHeight, maxWidth, maxHeight) {
  const scale = Math.min(1, maxWidth / sourceWidth, maxHeight / sourceHeight);
  canvas.width = Math.round(sourceWidth * scale);
  canvas.height = Math.round(sourceHeight * scale);
  canvas.getContext("2d")?.drawImage(source, 0, 0, canvas.width, canvas.height);
}

/**
 * Give the current frame of the video as a JPEG data URL; the canvas keeps showing it.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 */
export function frame(video, canvas) {
  draw(video, canvas, video.videoWidth, video.videoHeight, Infinity, FRAME_HEIGHT);
  return canvas.toDataURL("image/jpeg", QUALITY);
}

/**
 * Show the current frame of the video on the canvas.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 */
export function freeze(video, canvas) {
  draw(video, canvas, video.videoWidth, video.videoHeight, Infinity, FRAME_HEIGHT);
}

const KNOWN = ["#ff0000", "#00ff00", "#0000ff", "#ffffff"]; // what is drawn, and has to be read
const MOST_OFF = 12; // of 255, in the mean: some browsers change the last bits, which does no harm

/**
 * Whether this browser gives other pixels than were drawn: canvas randomisation, as Firefox's resistFingerprinting.
 */
export function spoilt() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 16;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return true;
  KNOWN.forEach((colour, place) => {
    context.fillStyle = colour;
    context.fillRect(8 * (place % 2), 8 * (place >> 1), 8, 8);
  });
  const { data } = context.getImageData(0, 0, 16, 16);
  let off = 0;
  for (let at = 0; at < data.length; at++) {
    const [pixel, part] = [at >> 2, at % 4];
    const known = KNOWN[(pixel % 16 >> 3) + 2 * (pixel >> 7)];
    const wanted = part === 3 ? 255 : Number.parseInt(known.slice(1 + 2 * part, 3 + 2 * part), 16);
    off += Math.abs(data[at] - wanted);
  }
  return off / data.length > MOST_OFF;
}

/**
 * Whether the camera itself gives a picture, which no canvas has touched.
 *
 * @param {HTMLVideoElement} video
 */
export async function untouched(video) {
  const jpeg = await fromCamera(video).catch(() => null);
  return jpeg?.type === "image/jpeg";
}

/**
 * A JPEG that the camera makes itself (MediaStream Image Capture, W3C): slower than a canvas.
 *
 * @param {HTMLVideoElement} video
 * @returns {Promise<Blob>}
 */
function fromCamera(video) {
  const { ImageCapture } = /** @type {any} */ (window); // no part of TypeScript's lib: Firefox and Safari have none
  const [track] = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks() : [];
  if (!ImageCapture || !track) return Promise.reject(new Error(""));
  return new ImageCapture(track).takePhoto();
}

/**
 * Give the canvas as a JPEG blob; null where this browser cannot.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} quality 0 to 1
 * @returns {Promise<Blob | null>}
 */
function toJpeg(canvas, quality) {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
}

/**
 * Give the current frame of the video as a small JPEG blob, for a liveness check: it is sent often, and the server needs
 * no more. Throws where this browser makes no JPEG.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 */
export async function smallFrame(video, canvas) {
  if (fromCameraAlone) return fromCamera(video);
  draw(video, canvas, video.videoWidth, video.videoHeight, Infinity, LOOK_HEIGHT);
  const jpeg = await toJpeg(canvas, LOOK_QUALITY);
  if (!jpeg) throw new Error("");
  return jpeg;
}

let fromCameraAlone = false;

/** Take the frames from the camera alone from now on, because this browser spoils what a canvas gives. */
export function avoidCanvas() {
  fromCameraAlone = true;
}

/**
 * Show the chosen file on the canvas and give back a smaller JPEG of it; or the file itself, where this browser cannot
 * read its kind (HEIC, mostly) and the server must.
 *
 * @param {File} file
 * @param {HTMLCanvasElement} canvas
 */
export async function smaller(file, canvas) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return { file, shown: false };
  }
  draw(bitmap, canvas, bitmap.width, bitmap.height, PHOTO_SIDE, PHOTO_SIDE);
  bitmap.close();
  if (file.size <= SMALL_FILE || spoilt()) return { file, shown: true };
  const blob = await toJpeg(canvas, QUALITY);
  return { file: blob ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file, shown: true };
}
