// Confusion matrices of a run: the images in a cell, and what another seed changes.
"use strict";
{
  const { make, drawing } = window.benches;
  const { SIZE, bytesOf } = drawing;
  const SHOWN = 6; // images of a cell in the file

  /** Counts of two bytes, in the order of the bytes: row by row. */
  const countsOf = (bytes, count) => {
    const view = new DataView(bytes.buffer);
    return Array.from({ length: count }, (_, i) => view.getInt16(2 * i, true));
  };
  const rowOf = (counts, row, size) => counts.slice(row * size, (row + 1) * size);
  const sum = (counts) => counts.reduce((a, b) => a + b);
  // A mean of PyTorch is a float32: where 58.65% lies between two digits, this rounds as the page does.
  const percent = (share) => `${(100 * Math.fround(share)).toFixed(1)}%`;

  /** The table of a matrix; `content(row, column)` is what stands in a cell. */
  const tableOf = (classes, counts, ariaLabel, content) =>
    make("table", { className: "bench-confusion", ariaLabel },
      make("thead", {}, make("tr", {}, make("td"), ...classes.map((name) => make("th", { scope: "col" }, make("span", {}, name))))),
      make("tbody", {}, ...classes.map((name, row) => {
        const ofRow = rowOf(counts, row, classes.length);
        return make("tr", {}, make("th", { scope: "row" }, name), ...ofRow.map((count, column) => {
          const cell = make("td", {}, content(row, column));
          // The root makes rare mistakes visible, as in the figure.
          cell.style.setProperty("--share", `${(45 * Math.sqrt(count / sum(ofRow))).toFixed(0)}%`);
          return cell;
        }));
      })));

  const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  const mountConfusion = async (bench, content) => {
    const classes = bench.dataset.classes.split(" ");
    const bytes = bytesOf(content);
    const counts = countsOf(bytes, classes.length ** 2);
    const sheet = await createImageBitmap(new Blob([bytes.subarray(2 * counts.length)], { type: "image/jpeg" }));
    const said = bench.querySelector("output");
    const shown = make("p", { className: "bench-sheet" });

    const choose = (row, column) => {
      const number = row * classes.length + column;
      const [count, all] = [counts[number], sum(rowOf(counts, row, classes.length))];
      const images = Math.min(count, SHOWN);
      said.textContent = `${count} of ${all} images: the class is ${classes[row]}, the answer ${classes[column]}.${count > SHOWN ? ` The first ${SHOWN}:` : ""}`;
      shown.replaceChildren();
      if (images) {
        const canvas = make("canvas", { width: SIZE * images, height: SIZE });
        canvas.setAttribute("role", "img");
        canvas.ariaLabel = `Images of class ${classes[row]} with the answer ${classes[column]}`;
        canvas.style.aspectRatio = `${images}`;
        canvas.style.width = `${(100 * images) / SHOWN}%`;
        canvas.getContext("2d").drawImage(sheet, 0, -SIZE * number);
        shown.append(canvas);
      }
      for (const button of buttons) {
        button.tabIndex = -1; // Tab reaches one of the hundred, arrows the others
        button.ariaPressed = "false";
      }
      buttons[number].tabIndex = 0;
      buttons[number].ariaPressed = "true";
    };
    const buttons = counts.map((count, number) => {
      const [row, column] = [Math.floor(number / classes.length), number % classes.length];
      const button = make("button", { type: "button", ariaLabel: `${count}: ${classes[row]}, answer ${classes[column]}` }, String(count));
      button.addEventListener("click", () => choose(row, column));
      button.addEventListener("keydown", (event) => {
        if (!MOVES[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        const [down, right] = MOVES[event.key];
        const [toRow, toColumn] = [row + down, column + right];
        if (Math.min(toRow, toColumn) < 0 || Math.max(toRow, toColumn) >= classes.length) return;
        choose(toRow, toColumn);
        buttons[toRow * classes.length + toColumn].focus();
      });
      return button;
    });
    said.before(tableOf(classes, counts, "Test images by true class and answer", (row, column) => buttons[row * classes.length + column]));
    bench.querySelector(".bench-result").append(shown);
    bench.classList.add("ready");
    choose(3, 5);
  };

  /** What a seed reached, from its matrix: accuracy of all classes and of each. */
  const reached = (counts, size) => {
    const right = Array.from({ length: size }, (_, i) => counts[i * (size + 1)]);
    return { byClass: right.map((count, i) => count / sum(rowOf(counts, i, size))), accuracy: sum(right) / sum(counts) };
  };

  const points = (one, other) => `${one < other ? "−" : "+"}${Math.abs(100 * (one - other)).toFixed(1)}`;

  /** Draw one seed of a recipe after the other. recipes: names to { classes, matrices }. */
  const mountSeeds = (bench, recipes) => {
    const said = bench.querySelector("output");
    const result = bench.querySelector(".bench-result");
    const recipe = make("select", {}, ...Object.keys(recipes).map((name) => make("option", {}, name)));
    const select = make("select");
    const draw = make("button", { type: "button" }, "Draw another seed");
    let now = 0;

    const show = (seed) => {
      const { classes, matrices } = recipes[recipe.value];
      const [before, after] = [now, seed].map((number) => reached(matrices[number], classes.length));
      const changes = classes.map((_, i) => Math.abs(after.byClass[i] - before.byClass[i]));
      const most = changes.indexOf(Math.max(...changes));
      said.textContent = `Seed ${seed}: a test accuracy of ${percent(after.accuracy)}.`;
      if (seed !== now) said.textContent += ` That is ${points(after.accuracy, before.accuracy)} points against seed ${now}; ${classes[most]} changes most, by ${points(after.byClass[most], before.byClass[most])} points.`;
      result.replaceChildren(make("table", { className: "bench-scores", ariaLabel: "Test accuracy of each class, and its change in points" }, ...classes.map((name, i) => {
        const bar = make("span", { className: "bench-bar" });
        bar.style.width = percent(after.byClass[i]);
        return make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, percent(after.byClass[i])),
          make("td", {}, seed === now ? "" : points(after.byClass[i], before.byClass[i])), make("td", {}, bar));
      })));
      const table = tableOf(classes, matrices[seed], "Test images by true class and answer",
        (row, column) => String(matrices[seed][row * classes.length + column]));
      table.tabIndex = 0; // to be scrolled on a narrow phone
      result.append(make("p", {}, "Test images: a row is the true class, a column the answer."), table);
      select.value = now = seed;
    };
    const use = () => {
      select.replaceChildren(...recipes[recipe.value].matrices.map((_, seed) => make("option", { value: seed }, String(seed))));
      now = 0;
      show(0);
    };
    recipe.addEventListener("change", use);
    select.addEventListener("change", () => show(Number(select.value)));
    draw.addEventListener("click", () => {
      const { length } = recipes[recipe.value].matrices;
      show((now + 1 + Math.floor(Math.random() * (length - 1))) % length);
    });
    const own = make("p", { className: "bench-own" }, make("label", {}, "Seed ", select), draw);
    if (Object.keys(recipes).length > 1) own.prepend(make("label", {}, "Recipe ", recipe));
    said.before(own);
    bench.classList.add("ready");
    use();
  };

  window.benches.confusion = mountConfusion;
  window.benches.seeds = (bench, content) => {
    const classes = bench.dataset.classes.split(" ");
    const bytes = bytesOf(content);
    const [counts, size] = [countsOf(bytes, bytes.length / 2), classes.length ** 2];
    const matrices = Array.from({ length: counts.length / size }, (_, seed) => rowOf(counts, seed, size));
    mountSeeds(bench, { "of this page": { classes, matrices } });
  };
  window.benches["recorded-seeds"] = mountSeeds;
}
