// A trained network in plain JavaScript: what it answers to a picture, and what becomes of the
// picture on its way. tests/browser/test_picture.py compares it with torch.
"use strict";
{
  const { make, drawing } = window.benches;
  const { SIZE, bytesOf, halves, pictureOf, filterOf, heat, largest } = drawing;
  const HIDDEN = 8; // width of the square that hides a part, as in the lesson
  const STRIDE = 2;

  // Layers: maps are { data, channels, size }.

  /** A convolution without padding. */
  const convolve = (maps, weight, bias, kernel) => {
    const size = maps.size - kernel + 1;
    const data = new Float32Array(bias.length * size * size);
    for (let out = 0; out < bias.length; out += 1) {
      for (let y = 0; y < size; y += 1) {
        for (let x = 0; x < size; x += 1) {
          let sum = bias[out];
          for (let channel = 0; channel < maps.channels; channel += 1) {
            for (let dy = 0; dy < kernel; dy += 1) {
              const from = (channel * maps.size + y + dy) * maps.size + x;
              const by = ((out * maps.channels + channel) * kernel + dy) * kernel;
              for (let dx = 0; dx < kernel; dx += 1) sum += maps.data[from + dx] * weight[by + dx];
            }
          }
          data[(out * size + y) * size + x] = sum;
        }
      }
    }
    return { data, channels: bias.length, size };
  };

  /** The maps with a border of one zero. */
  const pad = ({ data, channels, size }) => {
    const wide = size + 2;
    const padded = new Float32Array(channels * wide * wide);
    for (let row = 0; row < channels * size; row += 1) {
      const to = (Math.floor(row / size) * wide + (row % size) + 1) * wide + 1;
      padded.set(data.subarray(row * size, (row + 1) * size), to);
    }
    return { data: padded, channels, size: wide };
  };

  const relu = (maps) => ({ ...maps, data: maps.data.map((value) => Math.max(value, 0)) });

  const pool = (maps) => {
    const size = maps.size / 2;
    const data = new Float32Array(maps.channels * size * size);
    for (let i = 0; i < data.length; i += 1) {
      const row = Math.floor(i / size); // of all maps
      const at = 2 * row * maps.size + 2 * (i % size);
      data[i] = Math.max(maps.data[at], maps.data[at + 1], maps.data[at + maps.size], maps.data[at + maps.size + 1]);
    }
    return { ...maps, data, size };
  };

  const linear = (values, weight, bias) =>
    bias.map((start, out) => values.reduce((sum, value, i) => sum + value * weight[out * values.length + i], start));

  /** Batch norm after training: a scale and a shift for each channel. */
  const rescale = (maps, scale, shift) => {
    const channel = (i) => Math.floor(i / maps.size ** 2);
    return { ...maps, data: maps.data.map((value, i) => value * scale[channel(i)] + shift[channel(i)]) };
  };

  // The networks, in the order of the files. forward() takes bytes (3, 32, 32) and returns all maps.

  const NETWORKS = [
    {
      name: "lab network, 62,006 parameters",
      shapes: {
        conv1: [6, 3, 5, 5], bias1: [6], conv2: [16, 6, 5, 5], bias2: [16],
        fc1: [120, 400], fb1: [120], fc2: [84, 120], fb2: [84], fc3: [10, 84], fb3: [10],
      },
      stages: {
        conv1: "first convolution: 6 maps of 28 × 28", relu1: "after ReLU", pool1: "after pooling: 6 maps of 14 × 14",
        conv2: "second convolution: 16 maps of 10 × 10", relu2: "after the second ReLU", pool2: "after the second pooling: 16 maps of 5 × 5",
      },
      forward(w, picture) {
        const input = { data: Float32Array.from(picture, (byte) => (byte / 255 - 0.5) / 0.5), channels: 3, size: SIZE };
        const conv1 = convolve(input, w.conv1, w.bias1, 5);
        const relu1 = relu(conv1);
        const pool1 = pool(relu1);
        const conv2 = convolve(pool1, w.conv2, w.bias2, 5);
        const relu2 = relu(conv2);
        const pool2 = pool(relu2);
        const positive = (values) => values.map((value) => Math.max(value, 0));
        const features = positive(linear(positive(linear(pool2.data, w.fc1, w.fb1)), w.fc2, w.fb2));
        return { conv1, relu1, pool1, conv2, relu2, pool2, logits: linear(features, w.fc3, w.fb3) };
      },
    },
    {
      name: "wide network, 33,946 parameters",
      shapes: {
        mean: [3], deviation: [3], conv1: [16, 3, 3, 3], scale1: [16], shift1: [16], conv2: [32, 16, 3, 3], scale2: [32],
        shift2: [32], conv3: [64, 32, 3, 3], scale3: [64], shift3: [64], fc: [10, 1024], fb: [10],
      },
      stages: {
        conv1: "first convolution: 16 maps of 32 × 32", block1: "after pooling, batch norm and ReLU: 16 maps of 16 × 16",
        conv2: "second convolution: 32 maps of 16 × 16", block2: "after the second block: 32 maps of 8 × 8",
        conv3: "third convolution: 64 maps of 8 × 8", block3: "after the third block: 64 maps of 4 × 4",
      },
      forward(w, picture) {
        const channel = (i) => Math.floor(i / SIZE ** 2);
        const scaled = Float32Array.from(picture, (byte, i) => (byte / 127.5 - 1 - w.mean[channel(i)]) / w.deviation[channel(i)]);
        const maps = { block0: { data: scaled, channels: 3, size: SIZE } };
        for (const block of [1, 2, 3]) {
          const weight = w[`conv${block}`];
          const none = new Float32Array(w[`scale${block}`].length); // batch norm follows: no bias
          maps[`conv${block}`] = convolve(pad(maps[`block${block - 1}`]), weight, none, 3);
          maps[`block${block}`] = relu(rescale(pool(maps[`conv${block}`]), w[`scale${block}`], w[`shift${block}`]));
        }
        return { ...maps, logits: linear(maps.block3.data, w.fc, w.fb) };
      },
    },
  ];

  /** A network with its weights by name, and the bytes behind them, from the file of a run. */
  const read = (network, base64) => {
    const bytes = bytesOf(base64);
    const weights = {};
    let at = 0;
    for (const [name, shape] of Object.entries(network.shapes)) {
      const count = shape.reduce((a, b) => a * b, 1);
      weights[name] = halves(bytes, at, count);
      at += 2 * count;
    }
    return { ...network, weights, answer: (picture) => network.forward(weights, picture), rest: bytes.subarray(at) };
  };

  const softmax = (logits) => {
    const top = Math.max(...logits);
    const powers = Array.from(logits, (logit) => Math.exp(logit - top));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  };

  // What is seen

  const points = (share) => String(Math.round(100 * share)).replace("-", "−");

  /** The filter of a map: of the first convolution in its colours, of another one square for each
   *  map below, side by side, where these are few. */
  const filterOfMap = ({ weights, shapes }, stage, map) => {
    const layer = `conv${stage.at(-1)}`;
    const [, channels, kernel] = shapes[layer];
    if (channels === 3) return filterOf(weights[layer], map, kernel, largest(weights[layer]), { className: "filter" });
    if (channels > 6) return "";
    const width = channels * kernel;
    const values = Array.from({ length: width * kernel }, (_, i) => {
      const [y, x] = [Math.floor(i / width), i % width];
      return weights[layer][((map * channels + Math.floor(x / kernel)) * kernel + y) * kernel + (x % kernel)];
    });
    return heat(values, width, largest(weights[layer]), { className: "filter" });
  };

  const mount = (bench, ...contents) => {
    const classes = bench.dataset.classes.split(" ");
    const networks = contents.map((content, i) => read(NETWORKS[i], content));
    const bytes = 3 * SIZE * SIZE;
    const pictures = classes.map((_, label) => networks[0].rest.subarray(label * bytes, (label + 1) * bytes));
    let network = networks[0];
    const result = bench.querySelector(".bench-result");
    const said = bench.querySelector("output");
    let answer;
    let truth; // what is known of the picture
    let changed = 0; // how often the picture, the network or the question has

    const examples = make("p", { className: "bench-examples" });
    pictures.forEach((picture, label) => {
      const name = `Test picture: ${classes[label]}`;
      const button = make("button", { type: "button", ariaLabel: name, title: name }, pictureOf(picture));
      button.addEventListener("click", () => show(label));
      examples.append(button);
    });

    const drawn = make("canvas", { width: SIZE, height: SIZE, className: "bench-drawn" });
    drawn.setAttribute("role", "img");
    drawn.ariaLabel = "The picture, 32 by 32 pixels: draw into it";
    const pen = drawn.getContext("2d", { willReadFrequently: true });
    const colour = make("input", { type: "color", value: "#1f5499" });
    const file = make("input", { type: "file", accept: "image/*" });
    const clear = make("button", { type: "button" }, "Empty square");
    const hide = make("button", { type: "button" }, "Hide each part in turn");
    const covered = make("p", { className: "bench-covered" });
    covered.setAttribute("role", "status");
    const choice = make("select", {}, ...networks.map(({ name }, value) => make("option", { value }, name)));
    const stage = make("select");
    const maps = make("div", { className: "bench-maps" });
    const scores = make("table", { className: "bench-scores", ariaLabel: "Probability of each class" });

    const present = () => { // bytes (3, 32, 32)
      const { data } = pen.getImageData(0, 0, SIZE, SIZE);
      return Uint8Array.from({ length: 3 * SIZE * SIZE }, (_, i) => data[4 * (i % (SIZE * SIZE)) + Math.floor(i / (SIZE * SIZE))]);
    };
    const show = (label) => {
      pen.drawImage(pictureOf(pictures[label]), 0, 0);
      truth = ` The picture's class is ${classes[label]}.`;
      update();
    };
    const showOwn = () => {
      truth = "";
      update();
    };
    const update = () => {
      answer = network.answer(present());
      const shares = softmax(answer.logits);
      const order = shares.map((_, i) => i).sort((a, b) => shares[b] - shares[a]);
      const percent = (i) => (shares[i] > 0.995 ? "over 99%" : `${(100 * shares[i]).toFixed(0)}%`);
      said.textContent = `The network answers ${classes[order[0]]}, with a probability of ${percent(order[0])}; then ${classes[order[1]]}, ${percent(order[1])}, and ${classes[order[2]]}, ${percent(order[2])}.${truth}`;
      scores.replaceChildren(...classes.map((name, i) => {
        const bar = make("span", { className: "bench-bar" });
        bar.style.width = `${100 * shares[i]}%`;
        return make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, percent(i)), make("td", {}, bar));
      }));
      changed += 1;
      covered.replaceChildren();
      showMaps();
    };
    const showMaps = () => {
      const { data, channels, size } = answer[stage.value];
      const limit = largest(data);
      maps.classList.toggle("many", channels > 16);
      maps.replaceChildren(...Array.from({ length: channels }, (_, map) =>
        make("span", {}, filterOfMap(network, stage.value, map), heat(data.subarray(map * size * size, (map + 1) * size * size), size, limit))));
    };
    const showCovered = async () => {
      const picture = present();
      const label = answer.logits.indexOf(Math.max(...answer.logits));
      const before = softmax(answer.logits)[label];
      const steps = (SIZE - HIDDEN) / STRIDE + 1;
      const changes = [];
      const asked = (changed += 1);
      covered.replaceChildren("Hiding one part after the other …");
      for (let step = 0; step < steps ** 2; step += 1) {
        const [top, left] = [STRIDE * Math.floor(step / steps), STRIDE * (step % steps)];
        const hidden = picture.map((byte, i) => {
          const [y, x] = [Math.floor(i / SIZE) % SIZE, i % SIZE];
          return y >= top && y < top + HIDDEN && x >= left && x < left + HIDDEN ? 127.5 : byte;
        });
        changes.push(softmax(network.answer(hidden).logits)[label] - before);
        if (step % steps === 0) await new Promise((done) => setTimeout(done)); // let the page live
        if (changed !== asked) return;
      }
      const words = `Hiding a square of 8 × 8 changes the probability of ${classes[label]} by ${points(Math.min(...changes))} to ${points(Math.max(...changes))} points. Blue: it falls where the square lies; red: it rises.`;
      covered.replaceChildren(heat(changes, steps, largest(changes), { ariaHidden: "true" }), make("span", {}, words));
    };

    let last; // where the pen was
    const draw = (event) => {
      if (!drawn.hasPointerCapture(event.pointerId)) return;
      const box = drawn.getBoundingClientRect();
      const at = (position, start, size) => Math.floor(((position - start) / size) * SIZE) - 1;
      const here = [at(event.clientX, box.left, box.width), at(event.clientY, box.top, box.height)];
      last ??= here;
      const steps = Math.max(1, ...here.map((to, i) => Math.abs(to - last[i]))); // a fast pen leaves no gaps
      pen.fillStyle = colour.value;
      for (let step = 1; step <= steps; step += 1) {
        pen.fillRect(...here.map((to, i) => last[i] + Math.round(((to - last[i]) * step) / steps)), 3, 3);
      }
      last = here;
      showOwn();
    };
    const use = (chosen) => {
      network = chosen;
      stage.replaceChildren(...Object.entries(network.stages).map(([value, text]) => make("option", { value }, text)));
    };
    choice.addEventListener("change", () => {
      use(networks[choice.value]);
      update();
    });
    drawn.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button) return; // one finger, or the main button
      drawn.setPointerCapture(event.pointerId);
      last = null;
      draw(event);
    });
    drawn.addEventListener("pointermove", draw);
    clear.addEventListener("click", () => {
      pen.fillStyle = "#ffffff";
      pen.fillRect(0, 0, SIZE, SIZE);
      showOwn();
    });
    hide.addEventListener("click", showCovered);
    stage.addEventListener("change", showMaps);
    file.addEventListener("click", () => { file.value = ""; }); // the same file twice is a change too
    file.addEventListener("change", async () => {
      if (!file.files.length) return;
      try {
        const whole = await createImageBitmap(file.files[0]);
        const side = Math.min(whole.width, whole.height); // the middle, as a square
        const middle = [(whole.width - side) / 2, (whole.height - side) / 2, side, side];
        const small = await createImageBitmap(whole, ...middle, { resizeWidth: SIZE, resizeHeight: SIZE, resizeQuality: "high" });
        pen.fillStyle = "#ffffff"; // below what is transparent
        pen.fillRect(0, 0, SIZE, SIZE);
        pen.drawImage(small, 0, 0);
        showOwn();
      } catch {
        said.textContent = `${file.files[0].name} cannot be read as a picture. JPEG, PNG, WebP and GIF files can.`;
      }
    });

    const own = make("div", { className: "bench-own" },
      make("label", {}, "A picture of yours ", file), make("label", {}, "Colour to draw with ", colour), clear, hide);
    if (networks.length > 1) own.prepend(make("label", {}, "Network ", choice));
    said.before(examples, own);
    result.append(make("div", { className: "bench-side" }, drawn, scores), covered);
    if (bench.dataset.bench === "picture") {
      const words = "A filter stands above the map that it made, unless it has too many channels to be shown. All maps of a layer have one scale: red is positive, blue negative.";
      result.append(make("label", {}, "What becomes of it: ", stage), maps, make("p", {}, words));
    }
    bench.classList.add("ready");
    use(network);
    show(3);
    window.benches.logits = (number, picture) => Array.from(networks[number].answer(picture).logits);
  };

  window.benches.picture = window.benches["small-picture"] = mount;
}
