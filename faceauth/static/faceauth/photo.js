// Pictures made ready to be sent.

// The server looks at 700 px of height; more only takes longer to send.
const FRAME_HEIGHT = 700;
const LOOK_HEIGHT = 480;
const LOOK_QUALITY = 0.85;
const PHOTO_SIDE = 1600;
const SMALL_FILE = 500_000; // bytes; not worth the work below this
const QUALITY = 0.92;

/** Draw `source` (a video or a bitmap) on the canvas, no larger than `height` by `width` pixels. */
function draw(source, canvas, sourceWidth, sourceHeight, maxWidth, maxHeight) {
  const scale = Math.min(1, maxWidth / sourceWidth, maxHeight / sourceHeight);
  canvas.width = Math.round(sourceWidth * scale);
  canvas.height = Math.round(sourceHeight * scale);
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
}

/** The current frame of the video, as a JPEG data URL; the canvas keeps showing it. */
export function frame(video, canvas) {
  draw(video, canvas, video.videoWidth, video.videoHeight, Infinity, FRAME_HEIGHT);
  return canvas.toDataURL("image/jpeg", QUALITY);
}

/** The current frame of the video as a small JPEG blob, for a look: it is sent often, and the server needs no more. */
export function smallFrame(video, canvas) {
  draw(video, canvas, video.videoWidth, video.videoHeight, Infinity, LOOK_HEIGHT);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", LOOK_QUALITY));
}

/** Show the chosen file on the canvas and give back a smaller JPEG of it; or the file itself, where this browser
    cannot read its kind (HEIC, mostly) and the server must. */
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
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return { file: blob ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file, shown: true };
}
