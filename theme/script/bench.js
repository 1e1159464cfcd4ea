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
    const { bench: kind, scripts, files } = bench.dataset;
    for (const script of scripts.split(" ")) await (loading[script] ??= loadScript(script));
    const contents = [];
    for (const file of files ? files.split(" ") : []) {
      await loadScript(file);
      contents.push(window.benches.file); // by the script just loaded
    }
    window.benches[kind](bench, ...contents);
  }, { once: true });
}
