// The dashboard: reads the charts out to pointer and keyboard, and follows a health check that is going on.
import { find, need } from "./dom.js";

for (const figure of document.querySelectorAll("[data-chart]")) {
  const svg = find(SVGSVGElement, "svg", figure);
  if (svg) readable(figure, svg);
}

const check = find(HTMLElement, "[data-health-check]");
if (check) follow(check.dataset.healthCheck ?? "", need(HTMLProgressElement, "progress", check));

/**
 * Let pointer and arrow keys choose a column. Its numbers come from the table below the chart.
 *
 * @param {Element} figure
 * @param {SVGSVGElement} svg
 */
function readable(figure, svg) {
  const output = need(HTMLOutputElement, "output", figure);
  const cursor = need(SVGLineElement, ".cursor", svg);
  const names = [...figure.querySelectorAll("thead th")].slice(1).map((cell) => cell.textContent ?? "");
  const rows = [...figure.querySelectorAll("tbody tr")];
  const left = Number(svg.dataset.left);
  const width = (Number(svg.dataset.right) - left) / Math.max(rows.length, 1);
  let chosen = -1;

  /** @param {number} index */
  function choose(index) {
    if (!rows.length) return;
    chosen = Math.min(Math.max(index, 0), rows.length - 1);
    const x = String(left + (chosen + 0.5) * width);
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    cursor.setAttribute("visibility", "visible");
    const [name, ...values] = [...rows[chosen].children].map((cell) => cell.textContent ?? "");
    const read = names.map((it, n) => [it, values[n]]).filter(([, value]) => value !== "0" && value !== "–");
    output.value = `${name}: ${read.map((it) => it.join(" ")).join(", ") || "0"}`;
  }

  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    choose(Math.floor((x - left) / width));
  });
  svg.addEventListener("keydown", (event) => {
    const last = rows.length - 1;
    const start = chosen < 0 ? last + 1 : chosen;
    const to = { ArrowLeft: start - 1, ArrowRight: chosen + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
  });
}

/**
 * Ask how far the health check is until it is over, then show its result.
 *
 * @param {string} url
 * @param {HTMLProgressElement} progress
 */
async function follow(url, progress) {
  for (;;) {
    await new Promise((done) => setTimeout(done, 1000));
    const response = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!response?.ok) continue;
    const state = await response.json();
    if (!state.running) {
      location.reload();
      return;
    }
    progress.max = Math.max(state.expected, 1);
    progress.value = state.checked;
  }
}
