// The settings: the switch of hush, which is kept on this device.
import { hush } from "./hush.js";

hush();
