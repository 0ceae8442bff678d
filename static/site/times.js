// The server knows no time zone; the person's clock does.
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });

/** @param {ParentNode} root where the times are */
export function tellTimes(root) {
  for (const time of root.querySelectorAll("time")) {
    time.textContent = clock.format(new Date(time.dateTime));
    time.dir = "auto";
  }
}
