// Judges pages in Firefox: reads {firefox, folder, axe, pages: [{name, url, session, does}]} and prints the faults as JSON.
// Firefox speaks WebDriver BiDi by itself, so no driver is needed between it and puppeteer-core.

import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import puppeteer from "puppeteer-core";

const SIZES = [
  { width: 1280, height: 800 },
  { width: 320, height: 640 },
];
const CHECK = `axe.run(document, { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] }).then(
  ({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ target }) => String(target))].join(" ")))`;

const { firefox, folder, axe, pages } = JSON.parse(await text(process.stdin));
const script = readFileSync(axe, "utf8");
const browser = await puppeteer.launch({ browser: "firefox", executablePath: firefox, userDataDir: folder, headless: true });
const faults = [];

/** @type {Record<string, (page: import("puppeteer-core").Page) => Promise<unknown>>} */
const ACTS = {
  async "open a note"(page) {
    await page.click(".card:nth-child(2) h3 a");
    await page.waitForSelector(".card:nth-child(2) [aria-current]");
    await page.waitForSelector("[data-pane] [data-note]:not([data-note=''])");
    await page.goBack();
    await page.waitForFunction(() => !document.querySelector(".card [aria-current]"));
  },
  async search(page) {
    await page.type("#words", "bread");
    await page.waitForSelector("[data-found] mark");
  },
};

for (const { name, url, session, does } of pages) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${name}: ${error}`));
  if (session) await context.setCookie({ name: "sessionid", value: session, domain: new URL(url).hostname, path: "/" });
  for (const viewport of SIZES) {
    await page.setViewport(viewport);
    await page.goto(url);
    if (does) await ACTS[does](page).catch((error) => faults.push(`${name}, ${does}: ${error}`));
    const wide = await page.evaluate("document.documentElement.scrollWidth");
    if (wide > viewport.width) faults.push(`${name}: ${wide} px wide at ${viewport.width}`);
    await page.evaluate(script);
    for (const fault of await page.evaluate(CHECK)) faults.push(`${name} at ${viewport.width}: ${fault}`);
    if (does) break;
  }
  await context.close();
}
await browser.close();
console.log(JSON.stringify(faults));
