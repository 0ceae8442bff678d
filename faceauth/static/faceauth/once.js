// A form that is sent once, however often its button is pressed.

for (const form of document.querySelectorAll("[data-once]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => (sent = false)); // back from the history
}
