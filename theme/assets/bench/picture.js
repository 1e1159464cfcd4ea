// The network of the page's run, in plain JavaScript: what it answers to a picture, and what becomes
// of the picture on its way. tests/browser/test_picture.py compares it with torch.
"use strict";
{
  const { make } = window.benches;
  const SIZE = 32;
  const SHAPES = {
    conv1: [6, 3, 5, 5], bias1: [6], conv2: [16, 6, 5, 5], bias2: [16],
    fc1: [120, 400], fb1: [120], fc2: [84, 120], fb2: [84], fc3: [10, 84], fb3: [10],
  };
  const HIDDEN = 8; // width of the square that hides a part, as in the lesson
  const STRIDE = 2;

  // The network

  const half = (bits) => {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
    return bits & 0x8000 ? -size : size;
  };

  /** Weights by name, and ten pictures (3, 32, 32) of bytes, from the file that the run has written. */
  const read = (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const weights = {};
    let at = 0;
    for (const [name, shape] of Object.entries(SHAPES)) {
      const count = shape.reduce((a, b) => a * b, 1);
      weights[name] = Float32Array.from({ length: count }, (_, i) => half(view.getUint16(at + 2 * i, true)));
      at += 2 * count;
    }
    const pictures = [];
    for (; at < bytes.length; at += 3 * SIZE * SIZE) pictures.push(bytes.slice(at, at + 3 * SIZE * SIZE));
    return { weights, pictures };
  };

  /** A convolution without padding: maps are { data, channels, size }. */
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

  /** All that becomes of a picture of bytes (3, 32, 32). */
  const forward = (w, picture) => {
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
  };

  const softmax = (logits) => {
    const top = Math.max(...logits);
    const powers = Array.from(logits, (logit) => Math.exp(logit - top));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  };

  // What is seen

  const canvas = (width, height, colour, properties = {}) => {
    const element = make("canvas", { width, height, ...properties });
    const pixels = new ImageData(width, height);
    for (let i = 0; i < width * height; i += 1) pixels.data.set([...colour(i), 255], 4 * i);
    element.getContext("2d").putImageData(pixels, 0, 0);
    return element;
  };
  const pictureOf = (bytes, properties) =>
    canvas(SIZE, SIZE, (i) => [0, 1, 2].map((channel) => bytes[channel * SIZE * SIZE + i]), properties);

  // From pale to red where a value is positive, to blue where it is negative, as in the figures.
  const PALE = [221, 221, 221], RED = [180, 4, 38], BLUE = [59, 76, 192];
  const warmth = (share) => {
    const end = share < 0 ? BLUE : RED;
    return PALE.map((from, i) => from + (end[i] - from) * Math.min(Math.abs(share), 1));
  };
  const heat = (values, width, limit, properties) =>
    canvas(width, values.length / width, (i) => warmth(values[i] / limit), properties);
  const points = (share) => (100 * share).toFixed(0).replace("-", "−");
  const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);

  const STAGES = {
    conv1: "first convolution: 6 maps of 28 × 28", relu1: "after ReLU", pool1: "after pooling: 6 maps of 14 × 14",
    conv2: "second convolution: 16 maps of 10 × 10", relu2: "after the second ReLU", pool2: "after the second pooling: 16 maps of 5 × 5",
  };

  /** The filter of a map: of the first layer in its colours, of the second one square for each map below. */
  const filterOf = (w, stage, map) => {
    if (stage.endsWith("1")) {
      const limit = largest(w.conv1);
      const at = (i, channel) => 127.5 + 127.5 * w.conv1[(map * 3 + channel) * 25 + i] / limit;
      return canvas(5, 5, (i) => [0, 1, 2].map((channel) => at(i, channel)), { className: "filter" });
    }
    const values = Array.from({ length: 150 }, (_, i) => { // side by side
      const [y, x] = [Math.floor(i / 30), i % 30];
      return w.conv2[((map * 6 + Math.floor(x / 5)) * 5 + y) * 5 + (x % 5)];
    });
    return heat(values, 30, largest(w.conv2), { className: "filter" });
  };

  const mount = (bench) => {
    const classes = bench.dataset.classes.split(" ");
    const { weights, pictures } = read(window.benches.file);
    const result = bench.querySelector(".bench-result");
    const said = bench.querySelector("output");
    let answer;

    const examples = make("p", { className: "bench-examples" });
    pictures.forEach((picture, label) => {
      const name = `Test picture: ${classes[label]}`;
      const button = make("button", { type: "button", ariaLabel: name, title: name }, pictureOf(picture));
      button.addEventListener("click", () => show(picture));
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
    const stage = make("select", {}, ...Object.entries(STAGES).map(([value, text]) => make("option", { value }, text)));
    const maps = make("div", { className: "bench-maps" });
    const scores = make("table", { className: "bench-scores" });

    const present = () => { // bytes (3, 32, 32)
      const { data } = pen.getImageData(0, 0, SIZE, SIZE);
      return Uint8Array.from({ length: 3 * SIZE * SIZE }, (_, i) => data[4 * (i % (SIZE * SIZE)) + Math.floor(i / (SIZE * SIZE))]);
    };
    const show = (picture) => {
      pen.drawImage(pictureOf(picture), 0, 0);
      update();
    };
    const update = () => {
      answer = forward(weights, present());
      const shares = softmax(answer.logits);
      const order = shares.map((_, i) => i).sort((a, b) => shares[b] - shares[a]);
      const percent = (i) => `${(100 * shares[i]).toFixed(0)}%`;
      said.textContent = `The network answers ${classes[order[0]]}, with a probability of ${percent(order[0])}; then ${classes[order[1]]}, ${percent(order[1])}, and ${classes[order[2]]}, ${percent(order[2])}.`;
      scores.replaceChildren(...classes.map((name, i) => {
        const bar = make("span", { className: "bench-bar" });
        bar.style.width = percent(i);
        return make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, percent(i)), make("td", {}, bar));
      }));
      covered.replaceChildren();
      showMaps();
    };
    const showMaps = () => {
      const { data, channels, size } = answer[stage.value];
      const limit = largest(data);
      maps.replaceChildren(...Array.from({ length: channels }, (_, map) =>
        make("span", {}, filterOf(weights, stage.value, map), heat(data.subarray(map * size * size, (map + 1) * size * size), size, limit))));
    };
    const showCovered = async () => {
      const picture = present();
      const label = answer.logits.indexOf(Math.max(...answer.logits));
      const before = softmax(answer.logits)[label];
      const steps = (SIZE - HIDDEN) / STRIDE + 1;
      const changes = [];
      for (let step = 0; step < steps ** 2; step += 1) {
        const [top, left] = [STRIDE * Math.floor(step / steps), STRIDE * (step % steps)];
        const hidden = picture.map((byte, i) => {
          const [y, x] = [Math.floor(i / SIZE) % SIZE, i % SIZE];
          return y >= top && y < top + HIDDEN && x >= left && x < left + HIDDEN ? 127.5 : byte;
        });
        changes.push(softmax(forward(weights, hidden).logits)[label] - before);
        if (step % steps === 0) await new Promise((done) => setTimeout(done)); // let the page live
      }
      const words = `Hiding a square of 8 × 8 changes the probability of ${classes[label]} by ${points(Math.min(...changes))} to ${points(Math.max(...changes))} points. Blue: it falls where the square lies; red: it rises.`;
      covered.replaceChildren(heat(changes, steps, largest(changes), { ariaHidden: "true" }), make("span", {}, words));
    };

    const draw = (event) => {
      if (!event.buttons) return;
      const box = drawn.getBoundingClientRect();
      const at = (position, start, size) => Math.floor(((position - start) / size) * SIZE) - 1;
      pen.fillStyle = colour.value;
      pen.fillRect(at(event.clientX, box.left, box.width), at(event.clientY, box.top, box.height), 3, 3);
      update();
    };
    drawn.addEventListener("pointerdown", draw);
    drawn.addEventListener("pointermove", draw);
    clear.addEventListener("click", () => {
      pen.fillStyle = "#ffffff";
      pen.fillRect(0, 0, SIZE, SIZE);
      update();
    });
    hide.addEventListener("click", showCovered);
    stage.addEventListener("change", showMaps);
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
        update();
      } catch {
        said.textContent = `${file.files[0].name} is no picture that this browser can show.`;
      }
    });

    const own = make("div", { className: "bench-own" },
      make("label", {}, "A picture of yours ", file), make("label", {}, "Colour to draw with ", colour), clear, hide);
    said.before(examples, own);
    result.append(
      make("div", { className: "bench-side" }, drawn, scores), covered,
      make("label", {}, "What becomes of it: ", stage), maps,
      make("p", {}, "Above each map stands the filter that made it. All maps of a layer have one scale: red is positive, blue negative."),
    );
    bench.classList.add("ready");
    show(pictures[3]);
  };

  window.benches.picture = mount;
  window.benches.logits = (picture) => Array.from(forward(read(window.benches.file).weights, picture).logits);
}
