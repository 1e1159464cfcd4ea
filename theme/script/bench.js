// What a page offers to a reader who opens it: its scripts, their style, and files that a run has left are loaded then.
window.benches = { make };
const added = (element) => new Promise((loaded, failed) => {
  element.addEventListener("load", loaded);
  element.addEventListener("error", failed);
  document.head.append(element);
});
const loadScript = (src) => added(make("script", { src }));
const loading = {};
let style;
for (const bench of article.querySelectorAll("details.bench")) {
  bench.addEventListener("toggle", async () => {
    const { bench: kind, scripts, files } = bench.dataset;
    const said = bench.querySelector("output");
    const contents = [];
    said.textContent = "Loading …";
    try {
      await (style ??= added(make("link", { rel: "stylesheet", href: "assets/bench/bench.css" })));
      for (const script of scripts.split(" ")) await (loading[script] ??= loadScript(script));
      for (const file of files ? files.split(" ") : []) {
        await loadScript(file);
        contents.push(window.benches.file); // by the script just loaded
      }
    } catch {
      said.textContent = "This could not be loaded. Reload the page to try again.";
      return;
    }
    window.benches[kind](bench, ...contents);
  }, { once: true });
}
