// A finger that pulls a note of the list to the side deletes it.

import { need } from "../site/dom.js";

const SWIPE = 96; // px to the side, and twice as far as up or down, is meant

/**
 * @param {HTMLElement} root the list
 * @param {(card: HTMLElement) => void} away
 */
export function watchSwipes(root, away) {
  /** @type {{ card: HTMLElement, x: number, y: number } | null} */
  let start = null;
  /** @param {PointerEvent} event */
  const pulled = (event) => event.clientX - (start?.x ?? event.clientX);
  root.addEventListener("pointerdown", (event) => {
    const card = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".card"));
    if (event.pointerType === "touch" && card) start = { card, x: event.clientX, y: event.clientY };
  });
  root.addEventListener("pointermove", (event) => {
    if (start && Math.abs(pulled(event)) > 12) start.card.style.setProperty("--pulled", `${pulled(event)}px`);
  });
  for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
    root.addEventListener(type, (event) => {
      if (!start) return;
      const { card, y } = start;
      const far = Math.abs(pulled(event)) > SWIPE && Math.abs(pulled(event)) > 2 * Math.abs(event.clientY - y);
      start = null;
      if (type === "pointerup" && far) {
        card.classList.add("away");
        need(HTMLElement, "a", card).addEventListener("click", (click) => click.preventDefault(), { once: true });
        away(card);
      } else card.style.removeProperty("--pulled");
    });
  }
}
