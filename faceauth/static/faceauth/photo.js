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
  draw(video, canvas, video.videoWidth, video.videoHeight, Infinity, LOOK_HEIGHT);
  const jpeg = await toJpeg(canvas, LOOK_QUALITY);
  if (!jpeg) throw new Error("");
  return jpeg;
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
  if (file.size <= SMALL_FILE) return { file, shown: true };
  const blob = await toJpeg(canvas, QUALITY);
  return { file: blob ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file, shown: true };
}
