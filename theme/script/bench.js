// What a page offers to a reader who opens it: its script, and a file that a run has left, are loaded then.
window.benches = { make };
const loadScript = (address) => new Promise((loaded, failed) => {
  const script = make("script", { src: address });
  script.addEventListener("load", loaded);
  script.addEventListener("error", failed);
  document.head.append(script);
});
const loading = {};
for (const bench of article.querySelectorAll("details.bench")) {
  bench.addEventListener("toggle", async () => {
    const { bench: kind, script, file } = bench.dataset;
    await (loading[script] ??= loadScript(script));
    if (file) await loadScript(file);
    window.benches[kind](bench);
  }, { once: true });
}
