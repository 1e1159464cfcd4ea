// What a page offers to a reader who opens it: its script is loaded then.
for (const bench of article.querySelectorAll("details.bench")) {
  bench.addEventListener("toggle", () => {
    const { bench: kind, script } = bench.dataset;
    const mount = () => window.benches[kind](bench);
    if (window.benches?.[kind]) return mount();
    const loaded = document.querySelector(`script[src="${script}"]`) ?? make("script", { src: script });
    loaded.addEventListener("load", mount);
    document.head.append(loaded);
  }, { once: true });
}
