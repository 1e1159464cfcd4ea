// A forward and a backward pass, one step a click. The steps are the lines that the cell above has
// printed: `w = 2, b = -1`, `pass 1`, `u = w * x = 6`, `u gets 6, sends 18 to w`, `w.grad = 18`.
"use strict";
{
  const { svg: draw } = window.benches.drawing;
  const WIDTH = 340, ROW = 84, BOX = { width: 146, height: 52 };

  const read = (text) => {
    const [first, ...lines] = text.trim().split("\n");
    const leaves = [...first.matchAll(/(\w+) = (\S+?)(?:,|$)/g)].map(([, name, value]) => ({ name, value }));
    let pass = "";
    const steps = [{ say: "Nothing is computed yet: these are the tensors to begin with." }];
    for (const line of lines) {
      let match;
      if ((match = /^pass (\d+)$/.exec(line))) pass = match[1];
      else if ((match = /^(\w+) = (\w+) (\S+) (\w+) = (\S+)$/.exec(line))) {
        const [, name, left, sign, right, value] = match;
        steps.push({ pass, name, from: [left, right], sign, value, say: `Forward, pass ${pass}: ${line}` });
      } else if ((match = /^(\w+) gets (\S+), sends (.+)$/.exec(line))) {
        const [, name, gets, sends] = match;
        const sent = sends.split(", ").map((part) => part.split(" to ")).map(([gradient, to]) => ({ gradient, to }));
        steps.push({ pass, name, gets, sent, say: `Backward, pass ${pass}: ${line}` });
      } else if ((match = /^(\w+)\.grad = (\S+)$/.exec(line))) {
        const [, name, grad] = match;
        steps.push({ pass, name, grad, say: `Backward, pass ${pass}: ${line}` });
      } else throw new Error(`a line that is no step: ${line}`);
    }
    return { leaves, steps };
  };

  /** What is known after some steps: of each tensor its value, the gradients that came, and `.grad`. */
  const after = ({ leaves, steps }, count) => {
    const known = new Map(leaves.map(({ name, value }) => [name, { value, came: [], isLeaf: true }]));
    let pass;
    for (const step of steps.slice(0, count + 1)) {
      if (step.pass !== pass) {
        pass = step.pass;
        for (const [name, tensor] of known) tensor.isLeaf ? (tensor.came = []) : known.delete(name);
      }
      if (step.from) known.set(step.name, { value: step.value, came: [] });
      for (const { gradient, to } of step.sent ?? []) known.get(to).came.push(gradient);
      if (step.gets && !known.get(step.name).came.length) known.get(step.name).came.push(step.gets); // the root's own
      if (step.grad) known.get(step.name).grad = step.grad;
    }
    return known;
  };

  /** Row and column of each tensor: one row below what it is made from; leaves beside their use. */
  const layout = ({ leaves, steps }) => {
    const made = steps.filter(({ from, pass }) => from && pass === "1");
    const depth = new Map(leaves.map(({ name }) => [name, 0]));
    for (const { name, from } of made) depth.set(name, 1 + Math.max(...from.map((other) => depth.get(other))));
    for (const { name } of leaves) depth.set(name, depth.get(made.find(({ from }) => from.includes(name)).name) - 1);
    const names = [...made.map(({ name }) => name), ...leaves.map(({ name }) => name)]; // results in the first column
    const place = new Map();
    for (const name of names) {
      const row = depth.get(name);
      place.set(name, { row, column: [...place.values()].filter((other) => other.row === row).length });
    }
    return { made, place, rows: Math.max(...depth.values()) + 1 };
  };

  const picture = ({ made, place, rows }, known, step) => {
    const at = (name) => ({
      x: 2 + place.get(name).column * (WIDTH - BOX.width - 4),
      y: 2 + place.get(name).row * ROW,
    });
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${rows * ROW - ROW + BOX.height + 4}`, role: "img", "aria-label": step.say });
    for (const { name, from, sign } of made) {
      from.forEach((other, index) => {
        const [a, b] = [at(other), at(name)];
        const shift = from[0] === from[1] ? 24 * (2 * index - 1) : 0; // two edges between the same boxes
        const isNow = step.name === name && (step.from || step.sent?.some(({ to }) => to === other));
        const ends = { x1: a.x + BOX.width / 2 + shift, y1: a.y + BOX.height, x2: b.x + BOX.width / 2 + shift, y2: b.y };
        svg.append(draw("line", { ...ends, class: isNow ? "now" : "" }));
      });
      const { x, y } = at(name);
      if (known.has(name)) svg.append(draw("text", { x: x + BOX.width / 2, y: y - 8, class: "sign" }, sign === "*" ? "×" : sign === "-" ? "−" : sign));
    }
    for (const name of place.keys()) {
      const tensor = known.get(name);
      const { x, y } = at(name);
      const isNow = step.name === name || step.sent?.some(({ to }) => to === name);
      svg.append(draw("rect", { x, y, ...BOX, rx: 4, class: `${isNow ? "now" : ""} ${tensor ? "" : "later"}` }));
      svg.append(draw("text", { x: x + BOX.width / 2, y: y + 21 }, tensor ? `${name} = ${tensor.value}` : name));
      const gradient = tensor?.grad !== undefined && tensor.isLeaf && !(step.sent && isNow)
        ? `.grad = ${tensor.grad}`
        : tensor?.came.length ? `gradient ${tensor.came.join(" + ")}` : "";
      svg.append(draw("text", { x: x + BOX.width / 2, y: y + 41, class: "gradient" }, gradient));
    }
    return svg;
  };

  const mount = (bench) => {
    const run = read(bench.previousElementSibling.querySelector(".cell-output").textContent);
    const place = layout(run);
    const [back, next] = bench.querySelectorAll("button");
    const show = (number) => {
      const step = run.steps[number];
      bench.querySelector("output").textContent = `Step ${number} of ${run.steps.length - 1}. ${step.say}`;
      bench.querySelector(".bench-result").replaceChildren(picture(place, after(run, number), step));
      back.setAttribute("aria-disabled", number === 0); // a disabled button would lose the keyboard's focus
      next.setAttribute("aria-disabled", number === run.steps.length - 1);
      now = number;
    };
    let now = 0;
    back.addEventListener("click", () => show(Math.max(now - 1, 0)));
    next.addEventListener("click", () => show(Math.min(now + 1, run.steps.length - 1)));
    bench.classList.add("ready");
    show(0);
  };

  window.benches.backward = mount;
}
