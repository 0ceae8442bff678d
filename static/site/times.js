// The server knows no time zone; the person's clock does.

const { lang } = document.documentElement;
const clock = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "short" });
const day = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", year: "numeric" });
const hour = new Intl.DateTimeFormat(lang, { timeStyle: "short" });

/**
 * In a list: the hour of today, the day of this year.
 *
 * @param {Date} time
 */
function briefly(time) {
  const now = new Date();
  if (time.toDateString() === now.toDateString()) return hour.format(time);
  return (time.getFullYear() === now.getFullYear() ? day : year).format(time);
}

/** @param {ParentNode} root where the times are */
export function tellTimes(root) {
  for (const time of root.querySelectorAll("time")) {
    const then = new Date(time.dateTime);
    const brief = time.closest("[data-brief]") !== null;
    time.textContent = brief ? briefly(then) : clock.format(then);
    if (brief) time.title = clock.format(then);
    time.dir = "auto";
  }
}
