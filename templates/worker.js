// Says that there is no connection, and takes in what is shared to the app. It keeps one page and what that page is drawn
// with; never a note, a picture, or any other answer of the site. What is shared waits encrypted for the next unlocking.
{% autoescape off %}
{{ store }}{% endautoescape %}

const NAME = "offline-{{ version }}";
const PAGE = "{{ page }}";
const SHARE = "{{ share }}";
const PARTS = [{% for part in parts %}"{{ part }}"{% if not forloop.last %}, {% endif %}{% endfor %}];

addEventListener("install", (event) => {
  const requests = [PAGE, ...PARTS].map((address) => new Request(address, { credentials: "omit", cache: "reload" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(requests)));
  skipWaiting();
});

addEventListener("activate", (event) => {
  const old = (names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(old));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "POST" && new URL(request.url).pathname === SHARE) {
    event.respondWith(takeIn(request));
  } else if (request.mode === "navigate" && request.method === "GET") {
    event.respondWith(fetch(request).catch(() => caches.match(PAGE)));
  } else if (PARTS.includes(new URL(request.url).pathname)) {
    event.respondWith(fetch(request).catch(() => caches.match(request)));
  }
});

// Nothing is saved unasked: the notebook, once unlocked, shows that something waits.
async function takeIn(request) {
  const fallback = request.clone();
  try {
    const form = await request.formData();
    const text = ["title", "text", "url"].map((name) => form.get(name)).filter(Boolean).join("\n\n");
    const files = form.getAll("file").filter((file) => file instanceof File && file.size);
    if (text || files.length) await put(crypto.randomUUID(), "", { text }, files);
    return Response.redirect("/", 303);
  } catch {
    return fetch(fallback);
  }
}
