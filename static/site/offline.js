// Registers the worker that says so when there is no connection.
import { need } from "./dom.js";

const { worker = "" } = need(HTMLScriptElement, "[data-worker]").dataset;
navigator.serviceWorker?.register(worker).catch(() => {
  // Without it the browser's own page says the same.
});
