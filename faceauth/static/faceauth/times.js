// The server knows no time zone; the person's clock does.
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });

for (const time of document.querySelectorAll("time")) {
  time.textContent = clock.format(new Date(time.dateTime));
  time.dir = "auto";
}
