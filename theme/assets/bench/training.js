// A training on a slider: what the run has recorded before every 50th step.
"use strict";
{
  const { make, drawing } = window.benches;
  const { SIZE, bytesOf, halves, pictureOf, filterOf, largest, svg } = drawing;
  const EVERY = 50, CLASSES = 10, FILTERS = 6, KERNEL = 5, WEIGHTS = FILTERS * 3 * KERNEL ** 2;
  const WIDTH = 340, HEIGHT = 120, LEFT = 34, BASE = 100;

  /** Filters, probabilities and losses of all snapshots, one after another; a picture of each class. */
  const read = (base64) => {
    const bytes = bytesOf(base64);
    const picturesAt = bytes.length - CLASSES * 3 * SIZE * SIZE;
    const count = picturesAt / 2 / (WEIGHTS + CLASSES * CLASSES + 1);
    const probabilitiesAt = 2 * count * WEIGHTS;
    const lossesAt = probabilitiesAt + 2 * count * CLASSES * CLASSES;
    return {
      count,
      filters: halves(bytes, 0, count * WEIGHTS),
      probabilities: halves(bytes, probabilitiesAt, count * CLASSES * CLASSES),
      losses: halves(bytes, lossesAt, count),
      pictures: Array.from({ length: CLASSES }, (_, i) =>
        bytes.subarray(picturesAt + i * 3 * SIZE * SIZE, picturesAt + (i + 1) * 3 * SIZE * SIZE)),
    };
  };

  const curve = ({ count, losses }, now) => {
    const top = Math.ceil(Math.max(...losses));
    const x = (number) => LEFT + ((WIDTH - LEFT - 6) * number) / (count - 1);
    const y = (loss) => BASE - ((BASE - 10) * loss) / top;
    const points = Array.from(losses, (loss, number) => `${x(number).toFixed(1)},${y(loss).toFixed(1)}`);
    const lines = Array.from({ length: top + 1 }, (_, loss) => [
      svg("line", { x1: LEFT, x2: WIDTH, y1: y(loss), y2: y(loss), class: "scale" }),
      svg("text", { x: LEFT - 12, y: y(loss) + 5 }, String(loss)),
    ]);
    const label = `Curve of the training loss: from ${losses[0].toFixed(2)} to ${losses[count - 1].toFixed(2)}.`;
    return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, ...lines.flat(),
      svg("polyline", { points: points.join(" ") }),
      svg("circle", { cx: x(now), cy: y(losses[now]), r: 5 }),
      svg("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 3 }, "training loss"));
  };

  const mount = (bench, content) => {
    const classes = bench.dataset.classes.split(" ");
    const run = read(content);
    const limit = largest(run.filters); // one scale for all steps
    const said = bench.querySelector("output");
    const slider = make("input", { type: "range", min: 0, max: run.count - 1, value: 0 });

    const show = () => {
      const now = slider.valueAsNumber;
      const step = (EVERY * now).toLocaleString("en");
      const shares = classes.map((_, i) => run.probabilities.subarray((now * CLASSES + i) * CLASSES, (now * CLASSES + i + 1) * CLASSES));
      const answers = shares.map((ofPicture) => ofPicture.indexOf(Math.max(...ofPicture)));
      const right = answers.filter((answer, label) => answer === label).length;
      const watched = classes.map((name, label) => {
        const isRight = answers[label] === label;
        const answer = `${isRight ? "✓" : "✗"} ${classes[answers[label]]} ${(100 * shares[label][answers[label]]).toFixed(0)}%`;
        return make("figure", {}, pictureOf(run.pictures[label], { ariaHidden: "true" }),
          make("figcaption", {}, make("span", {}, `is ${name}`), make("span", { className: isRight ? "right" : "" }, answer)));
      });
      const weights = run.filters.subarray(now * WEIGHTS, (now + 1) * WEIGHTS);
      const filters = Array.from({ length: FILTERS }, (_, filter) => filterOf(weights, filter, KERNEL, limit));
      bench.querySelector(".bench-result").replaceChildren(curve(run, now),
        make("p", {}, "The six filters of the first convolution, all steps on one scale:"), make("div", { className: "bench-maps" }, ...filters),
        make("p", {}, "Validation images, each with its class and the answer:"), make("div", { className: "bench-watched" }, ...watched));
      slider.ariaValueText = `step ${step}`;
      said.textContent = `After ${step} steps: ${right} of ${CLASSES} images right. The next steps, ${EVERY} at most, have a mean loss of ${run.losses[now].toFixed(2)}.`;
    };
    slider.addEventListener("input", show);
    said.before(make("label", { className: "bench-slider" }, "Step ", slider));
    bench.classList.add("ready");
    show();
  };

  window.benches.training = mount;
}
