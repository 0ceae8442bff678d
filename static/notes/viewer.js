// A picture over the whole page: the others of its note by arrow keys, buttons or a swipe; nearer by a click, the wheel
// with Ctrl, or two fingers; and back by its button, Escape, or the browser's own.

import { need } from "../site/dom.js";

const SWIPE = 60; // px to the side
const NEAR = 2.5; // times as large after a click
const NEAREST = 6;

/** @param {HTMLAnchorElement} link the picture's */
export function view(link) {
  const links = /** @type {HTMLAnchorElement[]} */ ([
    ...(link.closest("[data-pictures]")?.querySelectorAll("[data-picture]") ?? [link]),
  ]);
  new Viewer(links, links.indexOf(link));
}

class Viewer {
  #links;
  #at;
  #zoom = 1;
  #dialog;
  #stage;
  #image;

  /**
   * @param {HTMLAnchorElement[]} links
   * @param {number} at
   */
  constructor(links, at) {
    this.#links = links;
    this.#at = at;
    const parts = document.importNode(need(HTMLTemplateElement, "[data-viewer-parts]").content, true);
    this.#dialog = need(HTMLDialogElement, "dialog", parts);
    this.#stage = need(HTMLElement, ".stage", this.#dialog);
    this.#image = need(HTMLImageElement, "img", this.#dialog);
    document.body.append(parts);
    this.#listen();
    this.#show();
    this.#dialog.showModal();
    history.pushState({ viewer: true }, "");
    addEventListener("popstate", this.#back);
  }

  #listen() {
    const dialog = this.#dialog;
    need(HTMLElement, "[data-close]", dialog).addEventListener("click", () => dialog.close());
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (dialog.querySelectorAll("[data-step]"))) {
      button.hidden = this.#links.length < 2;
      button.addEventListener("click", () => this.#step(Number(button.dataset.step)));
    }
    dialog.addEventListener("keydown", ({ key }) => {
      const forward = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
      if (key === "ArrowLeft" || key === "ArrowRight") this.#step(key === forward ? 1 : -1);
      if (key === "+" || key === "-") this.#magnify(key === "+" ? 1.5 : 1 / 1.5);
    });
    dialog.addEventListener("close", () => this.#gone());
    this.#image.addEventListener("click", () => this.#magnify(this.#zoom > 1 ? 0 : NEAR));
    this.#stage.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        this.#magnify(Math.exp(-event.deltaY / 300));
      },
      { passive: false },
    );
    this.#watchFingers();
  }

  #watchFingers() {
    let x = 0;
    let apart = 0;
    /** @param {TouchEvent} event */
    const distance = ({ touches: [one, two] }) => Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
    this.#stage.addEventListener("touchstart", (event) => {
      x = event.touches[0].clientX;
      apart = event.touches.length === 2 ? distance(event) : 0;
    });
    this.#stage.addEventListener(
      "touchmove",
      (event) => {
        if (event.touches.length !== 2 || !apart) return;
        event.preventDefault();
        this.#magnify(distance(event) / apart);
        apart = distance(event);
      },
      { passive: false },
    );
    this.#stage.addEventListener("touchend", (event) => {
      const far = event.changedTouches[0].clientX - x;
      if (!apart && this.#zoom === 1 && Math.abs(far) > SWIPE) {
        this.#step((far < 0) === (document.dir !== "rtl") ? 1 : -1);
      }
    });
  }

  /** @param {number} by 1 or -1 */
  #step(by) {
    this.#at = (this.#at + by + this.#links.length) % this.#links.length;
    this.#show();
  }

  #show() {
    const link = this.#links[this.#at];
    const name = link.querySelector("img")?.alt ?? "";
    this.#image.src = link.href;
    this.#image.alt = name;
    need(HTMLElement, ".caption", this.#dialog).textContent =
      this.#links.length > 1 ? `${name} · ${this.#at + 1} / ${this.#links.length}` : name;
    this.#magnify(0);
  }

  /** @param {number} factor of the size that it has; 0 is the whole picture */
  #magnify(factor) {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.#stage;
    const before = this.#zoom;
    this.#zoom = Math.min(NEAREST, Math.max(1, before * factor));
    this.#stage.classList.toggle("zoomed", this.#zoom > 1);
    this.#stage.style.setProperty("--zoom", String(this.#zoom));
    const ratio = this.#zoom / before; // the middle stays in the middle
    this.#stage.scrollTo(
      (scrollLeft + clientWidth / 2) * ratio - clientWidth / 2,
      (scrollTop + clientHeight / 2) * ratio - clientHeight / 2,
    );
  }

  #back = () => this.#dialog.close();

  #gone() {
    removeEventListener("popstate", this.#back);
    if (history.state?.viewer) history.back();
    this.#dialog.remove();
    this.#links[this.#at].focus();
  }
}
