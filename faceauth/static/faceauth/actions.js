// Goes on with what takes several requests; without this the operator presses the button each time.
import { find } from "./dom.js";

find(HTMLFormElement, "form[data-go-on]")?.requestSubmit();
