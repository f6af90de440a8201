// Keeps the console's page and its parts in the browser, so that a reload or a new tab is drawn without waiting for a line.
// It holds what is the same for everybody and nothing else: answers, charts and reports go past it, to the service or to the
// browser's own cache, which keeps them by cookie.

// All are written in by the service.
const BUILD = "%BUILD%";
const FILES = ["%FILES%"];
// How addresses begin, in the order in which they are looked for, and links to what a page there imports.
const AHEAD = ["%AHEAD%"];

const PLACE = "/reporting/";
const ASSETS = `${PLACE}assets/`;
const SCRIPT = `${PLACE}worker.js`;
// An address that no page has: the frame alone, which then draws whatever the address asks for.
const FRAME = `${PLACE}frame`;
const SCRIPT_TAG = '    <script type="module"';
const OURS = /^console /;
const CACHE = `console ${BUILD}`;
// Fewer than a browser opens connections, so that whoever looks at a page meanwhile isn't kept waiting.
const AT_ONCE = 3;

/** Where the frame is kept that names what the page at an address imports, so that all of it is read at once. */
function frameOf(address) {
  const within = new URL(address).pathname.slice(PLACE.length);
  const found = AHEAD.find(([begins]) => (begins ? within.startsWith(begins) : !within));
  return found ? PLACE + found[0] : FRAME;
}

async function keepFrames(cache, answer) {
  const text = await answer.clone().text();
  if (!text.includes(`${ASSETS}${BUILD}/`)) throw new Error("the page is another build's");
  const headers = new Headers(answer.headers);
  for (const name of ["content-encoding", "content-length", "etag", "vary"]) headers.delete(name);
  for (const [begins, links] of AHEAD) {
    const page = text.replace(SCRIPT_TAG, links.replaceAll(ASSETS, `${ASSETS}${BUILD}/`) + SCRIPT_TAG);
    await cache.put(PLACE + begins, new Response(page, { headers }));
  }
}

/** All of this build or nothing: of one that is half there, or mixed with another's, none is kept. */
async function fill() {
  const cache = await caches.open(CACHE);
  const left = [FRAME, ...FILES.map((file) => `${ASSETS}${BUILD}/${file}`)];
  const some = async () => {
    for (let address; (address = left.pop()); ) {
      const answer = await fetch(address, { redirect: "error" });
      if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
      if (address === FRAME) await keepFrames(cache, answer);
      await cache.put(address, answer);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, some));
  } catch (error) {
    left.length = 0;
    await caches.delete(CACHE);
    throw error;
  }
}

/** What isn't of the console goes to the service past this script, where the browser can be told so. */
async function goPast(event) {
  try {
    await event.addRoutes([{ condition: { not: { urlPattern: { pathname: `${PLACE}*` } } }, source: "network" }]);
  } catch {
    // Then it comes by here, and is let through.
  }
}

const ours = async () => (await caches.keys()).filter((name) => OURS.test(name));

async function takeOver() {
  // Pages that are open may still want parts of the build before; those of older ones nobody wants.
  const others = (await ours()).filter((name) => name !== CACHE);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
  await clients.claim();
  for (const page of await clients.matchAll({ type: "window" })) page.postMessage({ build: BUILD });
}

/** Behind a page that was drawn from here: whether this is still what the service has. */
async function check() {
  let answer;
  try {
    answer = await fetch(SCRIPT, { cache: "no-cache", redirect: "manual" });
  } catch {
    // Not reached: what is here is all there is.
    return;
  }
  if (answer.status >= 500 || answer.status === 429) return;
  // The service has no such script any more, or something before it asks who is there: then it's better to be out of the way.
  if (!answer.ok || !/javascript/.test(answer.headers.get("content-type"))) return leave();
  if (!(await answer.text()).includes(`"${BUILD}"`)) await registration.update();
}

let gone = false;

/** Open pages let go of what is kept: one that is being drawn still wants its parts, which the service may not have any more. */
async function leave() {
  gone = true;
  // Afterwards it has none.
  const pages = await clients.matchAll({ type: "window" });
  await registration.unregister();
  for (const page of pages) page.postMessage({ build: null });
}

async function frame(request) {
  const kept = await caches.open(CACHE).then((cache) => cache.match(frameOf(request.url), { ignoreVary: true }));
  return kept ?? fetch(request);
}

async function asset(request) {
  return (await caches.match(request.url, { ignoreVary: true })) ?? fetch(request);
}

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(Promise.all([goPast(event), fill()]));
});
addEventListener("activate", (event) => event.waitUntil(takeOver()));
addEventListener("message", (event) => event.data === "take over" ? skipWaiting() : event.source?.postMessage({ build: gone ? null : BUILD }));
addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || !pathname.startsWith(PLACE)) return;
  if (pathname.startsWith(ASSETS)) event.respondWith(asset(request));
  else if (request.mode === "navigate" && pathname !== SCRIPT) {
    event.respondWith(frame(request));
    event.waitUntil(check());
  }
});
