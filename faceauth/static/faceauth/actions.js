// Goes on with what takes several requests; without this the operator presses the button each time.

const form = document.querySelector("form[data-go-on]");
form?.requestSubmit();
