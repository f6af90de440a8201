// Runs before the first paint, so that a page doesn't flash in the other theme.
(() => {
  // With colours forced, the ground is the system's, and charts have to be seen on it.
  const saved = matchMedia("(forced-colors: active)").matches ? null : localStorage.getItem("theme");
  const dark = saved ? saved === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
