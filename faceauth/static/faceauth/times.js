import { tellTimes } from "../site/times.js";

tellTimes(document);
