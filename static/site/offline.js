// Registers the worker that says so when there is no connection.
navigator.serviceWorker?.register(document.querySelector("[data-worker]").dataset.worker).catch(() => {
  // Without it the browser's own page says the same.
});
