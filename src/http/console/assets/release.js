// The worker that keeps the console in the browser, and what becomes of an open page when a newer build takes over.

import { newer, unsaved } from "./route.js";

const OWN = new URL(import.meta.url).pathname.split("/")[3];
const LOOK_EVERY = 3_600_000;
// Which builds this tab was loaded anew for: two that take turns behind one address don't keep it loading.
const LOADED_FOR = "loaded-for";

let touched = false;
for (const kind of ["pointerdown", "keydown", "input"]) addEventListener(kind, () => (touched = true), { once: true, capture: true });

function replaced(build) {
  if (build === OWN) return;
  newer.is = true;
  const before = (sessionStorage.getItem(LOADED_FOR) ?? "").split(" ");
  if (touched || unsaved.is || before.includes(build)) return;
  sessionStorage.setItem(LOADED_FOR, [...before, build].join(" "));
  location.reload();
}

/** Registers the worker; where a browser has none, or doesn't trust the line, the console is as it was. */
export async function keep() {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  workers.addEventListener("message", ({ data }) => data?.build && replaced(data.build));
  // One that took over while this page was being drawn has told it before it could listen.
  workers.controller?.postMessage("build");
  try {
    const registration = await workers.register("/reporting/worker.js", { updateViaCache: "none" });
    setInterval(() => document.hidden || registration.update().catch(() => null), LOOK_EVERY);
  } catch {
    // Without it, everything is asked for anew.
  }
}
