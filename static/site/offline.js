// Registers the worker that says so when there is no connection.
import { need } from "./dom.js";

// Somebody is forgotten: the copy of their last notes on this device, if there is one, goes too.
if (document.querySelector("[data-forgotten]")) indexedDB.deleteDatabase("secretly-copy");
const { worker = "" } = need(HTMLScriptElement, "[data-worker]").dataset;
navigator.serviceWorker?.register(worker).catch(() => {
  // Without it the browser's own page says the same.
});
