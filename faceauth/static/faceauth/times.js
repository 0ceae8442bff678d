// Times as the reader says them: in their zone, by their locale's clock of 12 or 24 hours, and relative where near. The
// server knows neither, and writes UTC into <time datetime>.

const MINUTE = 60_000;
const DAY = 86_400_000;

/** The reader's own locale where it is of the page's language: en-GB has 24 hours, en-US has 12. */
function locale() {
  const page = document.documentElement.lang || "en";
  return navigator.languages.find((one) => one.split("-")[0] === page.split("-")[0]) ?? page;
}

const LOCALE = locale();
const near = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });
const clock = new Intl.DateTimeFormat(LOCALE, { timeStyle: "short" });
const weekday = new Intl.DateTimeFormat(LOCALE, { weekday: "long", hour: "numeric", minute: "2-digit" });
const date = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat(LOCALE, { dateStyle: "full", timeStyle: "long" });

/** @param {Date} at */
const midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();

/**
 * Say when `at` is, seen from `now`: "5 minutes ago", "yesterday 14:02", "Tuesday 14:02", or the date.
 *
 * @param {Date} at
 * @param {Date} [now]
 */
export function told(at, now = new Date()) {
  const minutes = Math.round((at.getTime() - now.getTime()) / MINUTE);
  if (minutes === 0) return near.format(0, "second");
  if (Math.abs(minutes) < 60) return near.format(minutes, "minute");
  const days = Math.round((midnight(at) - midnight(now)) / DAY);
  if (Math.abs(days) <= 1) return `${near.format(days, "day")} ${clock.format(at)}`;
  return days < 0 && days > -7 ? weekday.format(at) : date.format(at);
}

/**
 * In a list: the time of today, the day of this year.
 *
 * @param {Date} at
 */
function briefly(at) {
  const now = new Date();
  if (midnight(at) === midnight(now)) return clock.format(at);
  return (at.getFullYear() === now.getFullYear() ? day : year).format(at);
}

/** @param {ParentNode} root where the times are */
export function tellTimes(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    time.textContent = time.closest("[data-brief]") ? briefly(at) : told(at);
    time.title = whole.format(at);
    time.dir = "auto";
  }
}

tellTimes(document);
