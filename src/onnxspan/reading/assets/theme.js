// Light or dark: as the system, or as the reader chose last.
function turnTheme() {
  const now = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = now;
  try { localStorage.setItem("onnxspan-theme", now); } catch { /* a page from disk may not keep anything */ }
}
function startTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let kept = null;
  try { kept = localStorage.getItem("onnxspan-theme"); } catch { /* as above */ }
  document.documentElement.dataset.theme = kept || (dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => { if (!kept) document.documentElement.dataset.theme = dark.matches ? "dark" : "light"; });
}
