// Figures that are shown smaller than they were drawn open at full size.
let viewer;
const enlarge = (figure) => {
  const image = [...figure.querySelectorAll("img")].find((each) => each.offsetWidth);
  if (!viewer) {
    const close = make("button", { type: "button", className: "close" }, "Close");
    viewer = make("dialog", { className: "viewer" }, close, make("div", { tabIndex: 0 }));
    close.addEventListener("click", () => viewer.close());
    viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
    document.body.append(viewer);
  }
  const copy = make("img", { src: image.src.split("#")[0], alt: image.alt });
  copy.width = image.getAttribute("width");
  copy.height = image.getAttribute("height");
  viewer.ariaLabel = "Figure at full size";
  viewer.lastChild.setAttribute("role", "region");
  viewer.lastChild.ariaLabel = "Figure";
  viewer.lastChild.replaceChildren(copy);
  viewer.showModal();
};

const sizes = new ResizeObserver((entries) => {
  const small = entries.map(({ target }) => [...target.querySelectorAll("img")].some(
    (each) => each.offsetWidth && each.offsetWidth < 0.9 * each.getAttribute("width"),
  ));
  entries.forEach(({ target }, index) => {
    target.classList.toggle("small", small[index]);
    if (!small[index] || target.querySelector(".enlarge")) return;
    const button = make("button", { type: "button", className: "enlarge" }, "Full size");
    const cell = target.closest(".cell")?.id;
    if (cell) button.append(make("span", { className: "said" }, ` of the figure of ${cell}`));
    target.append(button);
  });
});
for (const figure of article.querySelectorAll(".cell-figure")) sizes.observe(figure);
article.addEventListener("click", ({ target }) => {
  const figure = target.closest?.(".cell-figure.small :is(img, .enlarge)")?.closest("figure");
  if (figure) enlarge(figure);
});
