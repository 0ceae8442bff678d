// Times as the reader says them.

export { tellTimes } from "../faceauth/times.js";
