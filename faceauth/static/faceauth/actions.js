// Sends the next request of an action that takes several. Without this script the operator presses the button each time.

const form = document.querySelector("form[data-continue]");
form?.requestSubmit();
