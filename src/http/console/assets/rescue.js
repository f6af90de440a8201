// What becomes of a page whose parts don't come: a release may have taken its place meanwhile, or the line may have broken.
// It is loaded anew, a few times; then it says so.
(() => {
  const LATELY = "loaded-anew";
  const WITHIN = 60_000;
  const PAUSES = [500, 2_000, 5_000];
  const isDrawn = () => Boolean(document.documentElement.dataset.drawn);
  let begun = false;

  /** When this tab was loaded anew for want of parts. */
  function lately() {
    try {
      return JSON.parse(sessionStorage.getItem(LATELY) ?? "[]").filter((at) => Date.now() - at < WITHIN);
    } catch {
      return [];
    }
  }

  /** What is kept may be what doesn't fit: the last time, everything is asked of the service. */
  async function forget() {
    const names = (await window.caches?.keys()) ?? [];
    await Promise.all(names.filter((name) => name.startsWith("console ")).map((name) => caches.delete(name)));
  }

  function say() {
    const note = document.createElement("div");
    const again = document.createElement("button");
    note.className = "notice bad";
    note.setAttribute("role", "alert");
    again.textContent = "Load it again";
    again.addEventListener("click", () => location.reload());
    note.append("The console could not be loaded. ", again);
    document.querySelector("#app main")?.replaceChildren(note);
  }

  function rescue(otherwise) {
    if (begun || isDrawn()) return;
    const before = lately();
    const pause = PAUSES[before.length];
    if (pause === undefined) return otherwise?.();
    begun = true;
    setTimeout(async () => {
      if (isDrawn()) return;
      sessionStorage.setItem(LATELY, JSON.stringify([...before, Date.now()]));
      if (before.length === PAUSES.length - 1) await forget().catch(() => null);
      location.reload();
    }, pause);
  }

  // The event doesn't bubble, but it can be caught on its way.
  addEventListener("error", ({ target }) => target.matches?.("script[type=module]") && rescue(say), true);
  // What was asked of a worker that has been replaced may never be answered.
  const workers = navigator.serviceWorker;
  if (workers?.controller) workers.addEventListener("controllerchange", () => rescue());
})();
