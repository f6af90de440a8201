// The worker that keeps the console in the browser, and what becomes of an open page when a newer build takes over.

import { newer, unsaved } from "./route.js";

const OWN = new URL(import.meta.url).pathname.split("/")[3];
const LOOK_EVERY = 3_600_000;
// Which builds this tab was loaded anew for: two that take turns behind one address don't keep it loading.
const LOADED_FOR = "loaded-for";

let touched = false;
for (const kind of ["pointerdown", "keydown", "input"]) addEventListener(kind, () => (touched = true), { once: true, capture: true });

const forget = async () => Promise.all((await caches.keys()).filter((name) => name.startsWith("console ")).map((name) => caches.delete(name)));

/** `build` is null where there is no worker any more. */
async function replaced(build) {
  if (build === OWN) return;
  newer.is = true;
  const before = (sessionStorage.getItem(LOADED_FOR) ?? "").split(" ");
  if (touched || unsaved.is || before.includes(String(build))) return;
  sessionStorage.setItem(LOADED_FOR, [...before, build].join(" "));
  if (!build) await forget();
  location.reload();
}

/** A worker that became ready while the one before was busy may be left waiting by the browser, though it asked to take over at once. */
function urged(registration) {
  const urge = () => {
    if (!registration.waiting) return;
    registration.waiting.postMessage("take over");
    setTimeout(urge, 1_000);
  };
  const begun = () => {
    const next = registration.installing;
    next?.addEventListener("statechange", () => next.state === "installed" && setTimeout(urge, 1_000));
  };
  registration.addEventListener("updatefound", begun);
  begun();
  urge();
}

/** Registers the worker; where a browser has none, or doesn't trust the line, the console is as it was. */
export async function keep() {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  workers.addEventListener("message", ({ data }) => data && "build" in data && replaced(data.build));
  // One that took over while this page was being drawn has told it before it could listen.
  workers.controller?.postMessage("build");
  try {
    // Where one is at work already, to register it again would call back one that is about to leave.
    const registration = await (workers.controller ? workers.getRegistration() : workers.register("/reporting/worker.js", { updateViaCache: "none" }));
    setInterval(() => document.hidden || registration?.update().catch(() => null), LOOK_EVERY);
    if (registration) urged(registration);
  } catch {
    // Without it, everything is asked for anew.
    await forget();
  }
}
