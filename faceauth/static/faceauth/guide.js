// What is drawn on the glass while a liveness check goes on: the oval, the ticks round it, and what to do.

import { need } from "./dom.js";

const TICKS = 60;
const TURNED = 20; // degrees to a side, from which a movement counts
const RAISED = 10; // degrees up
const WIDEST = 75; // degrees of the ring to each side of the movement that are lit when it is far enough
const LARGEST = 1.35; // of the oval, for a camera that stands upright: a face is as much of the picture's height there
const DRAWN = ["left", "right", "up", "closer"]; // the requests that have a drawing

const oval = need(SVGElement, "[data-oval]");
const ring = need(SVGElement, "[data-ticks]");
const cue = need(SVGElement, "[data-cue]");
const drawing = need(SVGUseElement, "[data-drawing]", cue);
const video = need(HTMLVideoElement, "[data-video]");

const ticks = Array.from({ length: TICKS }, (_, place) => {
  const tick = document.createElementNS("http://www.w3.org/2000/svg", "line");
  tick.setAttribute("x1", "44");
  tick.setAttribute("x2", "49");
  tick.setAttribute("transform", `rotate(${(360 / TICKS) * place})`);
  return tick;
});
ring.append(...ticks);

/**
 * As `hidden`, which drawings do not have.
 *
 * @param {SVGElement} element
 */
function hide(element, hidden = true) {
  element.toggleAttribute("hidden", hidden);
}

/** Make the oval as large as a face at the right distance is in the part of the picture that the glass shows. */
export function begin() {
  const { videoWidth: width, videoHeight: height } = video;
  oval.style.setProperty("--scale", `${Math.min(LARGEST, Math.max(1, height / width || 1))}`);
  hide(oval, false);
  hide(ring, false);
}

export function end() {
  for (const element of [oval, ring, cue]) hide(element);
  light(null);
}

/** @param {import("./liveness.js").Answer} answer */
export function show({ say, live, hint, progress = 0 }) {
  oval.classList.toggle("fits", live?.fits ?? false);
  oval.classList.toggle("aside", ["left", "right", "up"].includes(say));
  ring.classList.toggle("held", progress > 0 && say !== "straight");
  light(live ?? null);
  draw(hint ?? (DRAWN.includes(say) ? say : ""));
}

/** @param {string} what to do; "" for nothing */
function draw(what) {
  hide(cue, !what);
  if (cue.dataset.cue === what) return;
  cue.dataset.cue = what;
  drawing.setAttribute("href", `#draw-${["left", "right", "up"].includes(what) ? "turn" : what}`);
}

/**
 * Light the ticks on the side that the head has turned to, as one sees oneself in a mirror.
 *
 * @param {import("./liveness.js").Live | null} live
 */
function light(live) {
  const right = -(live?.yaw ?? 0) / TURNED;
  const down = -(live?.pitch ?? 0) / RAISED;
  const far = Math.min(1, Math.hypot(right, down));
  const towards = Math.atan2(down, right);
  ticks.forEach((tick, place) => {
    const apart = Math.abs(Math.atan2(Math.sin(angle(place) - towards), Math.cos(angle(place) - towards)));
    tick.classList.toggle("lit", far > 0.25 && apart * (180 / Math.PI) <= WIDEST * far);
  });
}

/** @param {number} place of a tick; gives radians, clockwise from the right */
const angle = (place) => (2 * Math.PI * place) / TICKS;
