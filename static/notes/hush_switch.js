// The switch for hush, on the page of settings.
import { hush } from "./hush.js";

hush().catch(() => {});
