// What a page computes for a reader who opens it: its script is loaded then.
for (const bench of article.querySelectorAll("details.bench")) {
  bench.addEventListener("toggle", () => {
    const { script } = bench.dataset;
    const loaded = document.querySelector(`script[src="${script}"]`) ?? make("script", { src: script });
    loaded.addEventListener("load", () => shapeBench.mount(bench));
    if (window.shapeBench) shapeBench.mount(bench);
    else document.head.append(loaded);
  }, { once: true });
}
