// The shape bench: the shapes that layers and operations make, or the error that torch raises.
// A page loads it when a reader opens a bench. tests/browser/test_shapes.py compares it with torch.
"use strict";
var shapeBench = (() => {
  /** What torch raises. */
  class TorchError extends Error {
    constructor(type, message) {
      super(message);
      this.type = type;
    }
  }
  /** What the bench cannot compute, in words of its own. */
  class Refusal extends Error {}

  const check = (isRight, message, type = "RuntimeError") => {
    if (!isRight) throw new TorchError(type, message);
  };
  const product = (sizes) => sizes.reduce((a, b) => a * b, 1);
  const list = (sizes) => `[${sizes.join(", ")}]`;
  const tuple = (sizes) => `(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`;
  const range = (length) => [...Array(length).keys()];
  const isCount = (value) => Number.isSafeInteger(value) && value > 0;

  // Reading

  const literal = (text) => {
    const json = text
      .replace(/\d+(?:\s*\*\s*\d+)+/g, (factors) => product(factors.split("*").map(Number))) // 16 * 5 * 5
      .replace(/(?<!\d)\.(?=\d)/g, "0.") // .5
      .replace(/['‘’“”]/g, '"') // a phone's keyboard writes curly ones
      .replace(/^(?:same|valid)$/, '"$&"') // as Python prints a layer
      .replace(/\bTrue\b/g, "true").replace(/\bFalse\b/g, "false").replace(/\bNone\b/g, "null")
      .replaceAll("(", "[").replaceAll(")", "]").replace(/,\s*\]/g, "]");
    try {
      return JSON.parse(json);
    } catch {
      throw new Refusal(`The bench cannot read ${text}: write numbers, (3, 3), True, False, None or "same".`);
    }
  };

  /** The values between the brackets of a call: `3, 6, stride=2` as [3, 6] and { stride: 2 }. */
  const readArguments = (text) => {
    const values = [];
    const named = Object.create(null); // whatever a name is
    for (const piece of text.match(/(?:[^,()[\]]|\([^()]*\)|\[[^[\]]*\])+/g) ?? []) {
      const [, name, value] = /^\s*(?:(\w+)\s*=\s*)?(.*?)\s*$/s.exec(piece);
      if (name) named[name] = literal(value);
      else if (value) values.push(literal(value));
    }
    return { values, named };
  };

  /** Arguments by the names of a signature such as `kernel_size stride=None`, or Python's TypeError. */
  const bind = (callable, signature, { values, named }) => {
    const parameters = signature.split(" ").filter(Boolean).map((part) => part.split("="));
    const needed = parameters.filter(([, standard]) => standard === undefined).length + 1; // with self
    const all = parameters.length + 1;
    const given = values.length + 1;
    check(
      given <= all,
      `${callable} takes ${needed < all ? `from ${needed} to ${all}` : all} positional arguments but ${given} were given`,
      "TypeError",
    );
    for (const name of Object.keys(named)) {
      const place = parameters.findIndex(([known]) => known === name);
      check(place >= 0, `${callable} got an unexpected keyword argument '${name}'`, "TypeError");
      check(place >= values.length, `${callable} got multiple values for argument '${name}'`, "TypeError");
    }
    const missing = parameters
      .filter(([name, standard], place) => standard === undefined && place >= values.length && !(name in named))
      .map(([name]) => `'${name}'`);
    const names = missing.length < 3 ? missing.join(" and ") : `${missing.slice(0, -1).join(", ")}, and ${missing.at(-1)}`;
    check(
      !missing.length,
      `${callable} missing ${missing.length} required positional argument${missing.length > 1 ? "s" : ""}: ${names}`,
      "TypeError",
    );
    const written = ([name, standard], place) =>
      place < values.length ? values[place] : name in named ? named[name] : literal(standard);
    return Object.fromEntries(parameters.map((parameter, place) => [parameter[0], written(parameter, place)]));
  };

  /** Height and width of an option that is one number or two. */
  const pair = (value, what) => {
    const both = Array.isArray(value) ? value : [value, value];
    if (both.length !== 2 || !both.every(Number.isSafeInteger)) {
      throw new Refusal(`The bench needs a whole number, or two of them, for ${what}.`);
    }
    return both;
  };

  const counts = (options) => {
    for (const [name, value] of Object.entries(options)) {
      const all = [value].flat();
      if (!all.length || !all.every(isCount)) throw new Refusal(`The bench needs a whole number of at least 1 for ${name}.`);
    }
  };

  const wrap = (dim, dims) => {
    if (!Number.isSafeInteger(dim)) throw new Refusal("The bench needs a whole number for a dimension.");
    const message = `Dimension out of range (expected to be in range of [${-Math.max(dims, 1)}, ${Math.max(dims, 1) - 1}], but got ${dim})`;
    check(dim >= -Math.max(dims, 1) && dim < Math.max(dims, 1), message, "IndexError");
    return dim < 0 ? dim + dims : dim;
  };

  // Layers

  /** What comes out along one dimension, and how to work it out. */
  const along = (size, kernel, stride, padding, dilation, isCeil = false) => {
    const reach = dilation * (kernel - 1) + 1;
    const steps = (size + 2 * padding - reach) / stride;
    let out = (isCeil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    if (isCeil && (out - 1) * stride >= size + padding) out -= 1; // no window begins in the padding
    const padded = padding ? `(${size} + 2·${padding} − ${reach})` : `(${size} − ${reach})`;
    const divided = stride > 1 ? `${padded} / ${stride}` : padded;
    const rounded = Number.isInteger(steps) ? "" : isCeil ? ", rounded up," : ", rounded down,";
    return { out, how: `${divided}${rounded} + 1 = ${out}` };
  };

  const both = (height, width) =>
    height.how === width.how ? `${height.how} along both` : `height ${height.how}; width ${width.how}`;

  const conv2d = (shape, p) => {
    counts({ in_channels: p.in_channels, out_channels: p.out_channels, kernel_size: p.kernel_size, groups: p.groups });
    check(p.in_channels % p.groups === 0, "in_channels must be divisible by groups", "ValueError");
    check(p.out_channels % p.groups === 0, "out_channels must be divisible by groups", "ValueError");
    const [kernel, stride, dilation] = ["kernel_size", "stride", "dilation"].map((name) => pair(p[name], name));
    if (dilation.some((step) => step < 1)) throw new Refusal("The bench needs a dilation of at least 1.");
    const isSame = p.padding === "same";
    if (typeof p.padding === "string") {
      // torch's own message names the two in an order that changes from run to run
      if (!isSame && p.padding !== "valid") throw new Refusal("As a word, padding is 'same' or 'valid'.");
      const strided = isSame && stride.some((step) => step !== 1);
      check(!strided, "padding='same' is not supported for strided convolutions", "ValueError");
    }
    const padding = typeof p.padding === "string" ? [0, 0] : pair(p.padding, "padding");
    check(
      shape.length === 3 || shape.length === 4,
      `Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: ${list(shape)}`,
    );
    const batch = shape.length === 4 ? shape : [1, ...shape];
    const weight = [p.out_channels, p.in_channels / p.groups, ...kernel];
    check(padding.every((size) => size >= 0), "negative padding is not supported");
    check(stride.every((step) => step > 0), "non-positive stride is not supported");
    // For "same", torch first adds what is not the same on both sides.
    const read = batch.map((size, dim) => (isSame && dim > 1 ? size + ((dilation[dim - 2] * (kernel[dim - 2] - 1)) % 2) : size));
    check(
      batch[1] === p.in_channels,
      `Given groups=${p.groups}, weight of size ${list(weight)}, expected input${list(read)} to have ${p.in_channels} channels, but got ${batch[1]} channels instead`,
    );
    const parameters = product(weight) + (p.bias ? p.out_channels : 0);
    if (isSame) {
      return { shape: [...shape.slice(0, -3), p.out_channels, ...shape.slice(-2)], parameters, how: "padded so that height and width stay" };
    }
    const reach = kernel.map((size, i) => dilation[i] * (size - 1) + 1);
    const padded = batch.slice(2).map((size, i) => size + 2 * padding[i]);
    check(
      reach.every((size, i) => size <= padded[i]),
      `Calculated padded input size per channel: (${padded.join(" x ")}). Kernel size: (${reach.join(" x ")}). Kernel size can't be greater than actual input size`,
    );
    const [height, width] = [0, 1].map((i) => along(batch[2 + i], kernel[i], stride[i], padding[i], dilation[i]));
    return { shape: [...shape.slice(0, -3), p.out_channels, height.out, width.out], parameters, how: both(height, width) };
  };

  const pool2d = (name) => (shape, p) => {
    counts({ kernel_size: p.kernel_size });
    const kernel = pair(p.kernel_size, "kernel_size");
    const stride = p.stride === null ? kernel : pair(p.stride, "stride");
    const padding = pair(p.padding, "padding");
    const dilation = pair(p.dilation ?? 1, "dilation");
    const fits = shape.length === 3 || shape.length === 4;
    check(fits || name !== "max", "non-empty 3D or 4D (batch mode) tensor expected for input");
    wrap(-3, shape.length);
    const sizes = shape.slice(-2);
    for (const i of [0, 1]) { // as torch goes through them, one dimension after the other
      check(stride[i] !== 0, "stride should not be zero");
      check(padding[i] >= 0, `pad must be non-negative, but got pad: ${padding[i]}`);
      check(
        2 * padding[i] <= (kernel[i] - 1) * dilation[i] + 1,
        `pad should be at most half of effective kernel size, but got pad=${padding[i]}, kernel_size=${kernel[i]} and dilation=${dilation[i]}`,
      );
    }
    check(fits, `Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:${list(shape)}`);
    check(stride.every((step) => step > 0), `stride should be greater than zero, but got dH: ${stride[0]} dW: ${stride[1]}`);
    check(dilation.every((step) => step > 0), `dilation should be greater than zero, but got dilationH: ${dilation[0]} dilationW: ${dilation[1]}`);
    check(
      padding.every((size, i) => 2 * size <= kernel[i]),
      `pad should be smaller than or equal to half of kernel size, but got padW = ${padding[1]}, padH = ${padding[0]}, kW = ${kernel[1]}, kH = ${kernel[0]}`,
    );
    const [height, width] = [0, 1].map((i) => along(sizes[i], kernel[i], stride[i], padding[i], dilation[i], p.ceil_mode));
    const channels = shape.at(-3);
    check(
      height.out >= 1 && width.out >= 1,
      `Given input size: (${channels}x${sizes.join("x")}). Calculated output size: (${channels}x${height.out}x${width.out}). Output size is too small`,
    );
    return { shape: [...shape.slice(0, -2), height.out, width.out], parameters: 0, how: both(height, width) };
  };

  const adaptivePool2d = (shape, p) => {
    const isPair = Array.isArray(p.output_size);
    const written = isPair ? p.output_size : [p.output_size, p.output_size];
    if (written.length !== 2 || !written.every((size) => isCount(size) || (isPair && size === null))) {
      throw new Refusal("The bench needs a whole number of at least 1, or two of them, for output_size.");
    }
    check(!isPair || shape.length > 2, "Input dimension should be at least 3", "ValueError");
    const sizes = written.map((size, i) => size ?? shape.at(i - 2)); // None: as it comes in
    if (sizes.every((size) => size === 1)) wrap(-2, shape.length); // a mean, of which torch asks less
    else check(shape.length === 3 || shape.length === 4, `adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got ${list(shape)}`);
    return { shape: [...shape.slice(0, -2), ...sizes], parameters: 0, how: "whatever height and width come in" };
  };

  const linear = (shape, p) => {
    counts({ in_features: p.in_features, out_features: p.out_features });
    check(
      shape.at(-1) === p.in_features,
      `mat1 and mat2 shapes cannot be multiplied (${product(shape.slice(0, -1))}x${shape.at(-1)} and ${p.in_features}x${p.out_features})`,
    );
    const parameters = p.in_features * p.out_features + (p.bias ? p.out_features : 0);
    return { shape: [...shape.slice(0, -1), p.out_features], parameters, how: "" };
  };

  const batchNorm = (dims) => (shape, p) => {
    counts({ num_features: p.num_features });
    const expected = dims.map((dim) => `${dim}D`).join(" or ");
    check(dims.includes(shape.length), `expected ${expected} input (got ${shape.length}D input)`, "ValueError");
    const values = product(shape) / shape[1];
    check(values > 1, `Expected more than 1 value per channel when training, got input size torch.Size(${list(shape)})`, "ValueError");
    check(shape[1] === p.num_features, `running_mean should contain ${shape[1]} elements not ${p.num_features}`);
    return { shape, parameters: p.affine ? (p.bias ? 2 : 1) * p.num_features : 0, how: "" };
  };

  const layerNorm = (shape, p) => {
    counts({ normalized_shape: p.normalized_shape });
    const last = [p.normalized_shape].flat();
    check(
      last.length <= shape.length && last.every((size, i) => size === shape.at(i - last.length)),
      `Given normalized_shape=${list(last)}, expected input with shape [*, ${last.join(", ")}], but got input of size${list(shape)}`,
    );
    const weights = product(last);
    return { shape, parameters: p.elementwise_affine ? weights + (p.bias ? weights : 0) : 0, how: "" };
  };

  const flattened = (shape, start, end) => {
    const [first, last] = [wrap(start, shape.length), wrap(end, shape.length)];
    check(first <= last || !shape.length, "flatten() has invalid args: start_dim cannot come after end_dim");
    const merged = shape.slice(first, last + 1);
    return { shape: [...shape.slice(0, first), product(merged), ...shape.slice(last + 1)], merged };
  };

  const flatten = (input, p) => {
    const { shape, merged } = flattened(input, p.start_dim, p.end_dim);
    return { shape, parameters: 0, how: merged.length > 1 ? `${merged.join("·")} = ${product(merged)}` : "" };
  };

  const same = (shape) => ({ shape, parameters: 0, how: "" });
  const dropout = (shape, { p }) => {
    if (!(p >= 0 && p <= 1)) throw new Refusal("The probability of Dropout is a number from 0 to 1.");
    return same(shape);
  };
  const gelu = (shape, { approximate }) => {
    check(["none", "tanh"].includes(approximate), "approximate argument must be either none or tanh.");
    return same(shape);
  };
  const norm = "num_features eps=0.00001 momentum=0.1 affine=True track_running_stats=True";
  const LAYERS = {
    Conv2d: ["in_channels out_channels kernel_size stride=1 padding=0 dilation=1 groups=1 bias=True padding_mode='zeros' device=None dtype=None", conv2d],
    MaxPool2d: ["kernel_size stride=None padding=0 dilation=1 return_indices=False ceil_mode=False", pool2d("max")],
    AvgPool2d: ["kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True divisor_override=None", pool2d("avg")],
    AdaptiveAvgPool2d: ["output_size", adaptivePool2d],
    Linear: ["in_features out_features bias=True device=None dtype=None", linear],
    Flatten: ["start_dim=1 end_dim=-1", flatten],
    BatchNorm1d: [`${norm} device=None dtype=None bias=True`, batchNorm([2, 3])],
    BatchNorm2d: [`${norm} device=None dtype=None bias=True`, batchNorm([4])],
    LayerNorm: ["normalized_shape eps=0.00001 elementwise_affine=True bias=True device=None dtype=None", layerNorm],
    ReLU: ["inplace=False", same],
    LeakyReLU: ["negative_slope=0.01 inplace=False", same],
    GELU: ["approximate='none'", gelu],
    Dropout: ["p=0.5 inplace=False", dropout],
    Tanh: ["", same],
    Sigmoid: ["", same],
    Identity: ["", same],
  };

  // Of layers that inherit __init__, the class that has it.
  const WRITTEN_IN = { MaxPool2d: "_MaxPoolNd", AdaptiveAvgPool2d: "_AdaptiveAvgPoolNd" };

  // Options that change what comes out, or when it fails, in ways that the bench does not know.
  const ONLY = { padding_mode: "'zeros'", return_indices: "False", divisor_override: "None", track_running_stats: "True" };

  // The layers of an nn.Sequential, as they are written and as Python prints them: `(0): Conv2d(...)`.
  const AROUND = /^(?:[\w.]+\s*=\s*|\(\w+\):\s*)?(?:[\w.]*\.)?Sequential\($|^[)\],]*$/;
  const LAYER = /^(?:[\w.]+\s*=\s*|\(\w+\):\s*)?(?:[\w.]*\.)?(?:Sequential\((?:[\w.]*\.)?)?(\w+)\(((?:[^()]|\([^()]*\))*)\)[)\],\s]*$/;

  const layer = (line, shape) => {
    const [, name, text] = LAYER.exec(line) ?? [];
    if (!name) throw new Refusal("Write one layer in a line, such as nn.Conv2d(3, 6, 5).");
    if (!Object.hasOwn(LAYERS, name)) throw new Refusal(`The bench knows no ${name}. It knows ${Object.keys(LAYERS).join(", ")}.`);
    const [signature, apply] = LAYERS[name];
    const given = readArguments(text);
    if (!signature && text.trim()) throw new Refusal(`${name} is written without arguments here.`);
    const options = bind(`${WRITTEN_IN[name] ?? name}.__init__()`, signature, given);
    for (const [option, value] of Object.entries(ONLY)) {
      if (option in options && options[option] !== literal(value)) throw new Refusal(`The bench computes ${name} with ${option}=${value} only.`);
    }
    return apply(shape, options);
  };

  /** What is not too large for JavaScript to count it exactly. */
  const countable = (result) => {
    const isSafe = [product(result.shape), result.parameters ?? 0].every(Number.isSafeInteger);
    if (!isSafe) throw new Refusal("These numbers are larger than the bench can count.");
    return result;
  };

  /** Sizes in brackets or without, `(4, 3, 32, 32)` or `4, 3`. */
  const readShape = (text, least = 1) => {
    const pieces = text.replace(/torch\.(?:Size|zeros|randn|ones|rand)|[()[\]]/g, " ").split(/[\s,]+/).filter(Boolean);
    const sizes = pieces.map(Number);
    if (!sizes.every((size) => Number.isSafeInteger(size) && size >= least)) {
      throw new Refusal(`The bench reads shapes of whole numbers of at least ${least}, such as 4, 3, 32, 32; this is ${text.trim()}.`);
    }
    return countable({ shape: sizes }).shape;
  };

  /** Each line with what `apply` makes of the last result, up to the first that fails. */
  const follow = (program, start, apply) => {
    const steps = [];
    let last = start;
    for (const [number, text] of program.split("\n").entries()) {
      const line = text.replace(/#.*$/, "").trim();
      if (!line || AROUND.test(line)) continue;
      try {
        last = countable(apply(line, last));
        steps.push({ number: number + 1, line, ...last });
      } catch (error) {
        if (!(error instanceof TorchError || error instanceof Refusal)) throw error;
        steps.push({ number: number + 1, line, error });
        break;
      }
    }
    return steps;
  };

  const layers = (input, program) => {
    const start = readShape(input);
    if (!start.length) throw new Refusal("Write the shape of the input, such as 4, 1, 32, 32.");
    return follow(program, { shape: start }, (line, { shape }) => layer(line, shape));
  };

  // Broadcasting

  const broadcast = (a, b) => {
    const length = Math.max(a.length, b.length);
    const [left, right] = [a, b].map((sizes) => [...Array(length - sizes.length).fill(null), ...sizes]);
    const columns = range(length).map((dim) => {
      const [x, y] = [left[dim], right[dim]];
      const fits = x === y || x === null || y === null || x === 1 || y === 1;
      const stretched = x === null || x === 1 ? y ?? x : x; // to 0 as well
      return { a: x, b: y, fits, out: fits ? stretched : null };
    });
    const wrong = columns.findLastIndex(({ fits }) => !fits);
    const error = wrong < 0 ? null : new TorchError(
      "RuntimeError",
      `The size of tensor a (${columns[wrong].a}) must match the size of tensor b (${columns[wrong].b}) at non-singleton dimension ${wrong}`,
    );
    return { columns, error, shape: error ? null : columns.map(({ out }) => out) };
  };

  // Strides

  const dense = (shape) => shape.map((_, dim) => product(shape.slice(dim + 1).map((size) => Math.max(size, 1))));
  const isContiguous = ({ shape, stride }) => dense(shape).every((step, dim) => shape[dim] === 1 || stride[dim] === step);

  /** The places in memory of a tensor's elements, in the order in which they are read. */
  const places = ({ shape, stride }) =>
    shape.reduce((all, size, dim) => all.flatMap((at) => range(size).map((i) => at + i * stride[dim])), [0]);

  const arange = (shape) => ({ shape, stride: dense(shape), memory: isDrawn(shape) ? range(product(shape)) : null });
  const DRAWN = 200; // elements, of which the values are known
  const isDrawn = (shape) => product(shape) <= DRAWN;

  const contiguous = (x) =>
    isContiguous(x) ? x : { shape: x.shape, stride: dense(x.shape), memory: x.memory && isDrawn(x.shape) ? places(x).map((at) => x.memory[at]) : null, isCopy: true };

  /** The strides by which another shape reads the same memory; null if there are none. */
  const viewStride = ({ shape, stride }, wanted) => {
    if (!shape.length) return wanted.map(() => 1);
    const result = [];
    let view = wanted.length - 1;
    let step = stride.at(-1) ?? 1;
    let here = 1;
    let there = 1;
    for (let dim = shape.length - 1; dim >= 0; dim -= 1) {
      here *= shape[dim];
      if (dim > 0 && (shape[dim - 1] === 1 || stride[dim - 1] === here * step)) continue;
      while (view >= 0 && (there < here || wanted[view] === 1)) {
        result.unshift(there * step);
        there *= wanted[view];
        view -= 1;
      }
      if (there !== here) return null;
      if (dim > 0) step = stride[dim - 1];
      here = 1;
      there = 1;
    }
    return view < 0 ? result : null;
  };

  /** Sizes that were written as one tuple or one by one, with -1 worked out. */
  const wantedShape = (values, elements) => {
    const sizes = values.flat();
    if (!sizes.length || !sizes.every(Number.isSafeInteger)) throw new Refusal("Write the new shape in whole numbers, such as 2, 6 or -1, 4.");
    check(sizes.filter((size) => size === -1).length < 2, "only one dimension can be inferred");
    const below = sizes.findIndex((size) => size < -1);
    check(below < 0, `invalid shape dimension ${sizes[below]} at index ${below} of shape ${list(sizes)}`);
    const known = product(sizes.filter((size) => size !== -1));
    const fits = sizes.includes(-1) ? known > 0 && elements % known === 0 : known === elements;
    check(fits, `shape '${list(sizes)}' is invalid for input of size ${elements}`);
    return sizes.map((size) => (size === -1 ? elements / known : size));
  };

  const reshape = (x, shape) => {
    const stride = viewStride(x, shape);
    if (stride) return { ...x, shape, stride };
    return { ...contiguous(x), shape, stride: dense(shape) };
  };

  const permute = (x, dims) => ({ ...x, shape: dims.map((dim) => x.shape[dim]), stride: dims.map((dim) => x.stride[dim]) });

  const swapped = (dims, a, b) => {
    const order = range(dims);
    [order[a], order[b]] = [order[b], order[a]];
    return order;
  };

  const OPERATIONS = {
    view: (x, { values }) => {
      const shape = wantedShape(values, product(x.shape));
      const stride = viewStride(x, shape);
      check(stride, "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.");
      return { ...x, shape, stride };
    },
    reshape: (x, { values }) => reshape(x, wantedShape(values, product(x.shape))),
    permute: (x, { values }) => {
      const dims = values.flat();
      const count = x.shape.length;
      check(
        dims.length === count,
        `permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = ${count} is not equal to len(dims) = ${dims.length}`,
      );
      const seen = new Set();
      for (const dim of dims) {
        const at = wrap(dim, count);
        check(!seen.has(at), "permute(): duplicate dims are not allowed.");
        seen.add(at);
      }
      return permute(x, [...seen]);
    },
    transpose: (x, { values }) => {
      if (values.length !== 2) throw new Refusal("Write two dimensions, such as x.transpose(0, 1).");
      const [a, b] = values.map((dim) => wrap(dim, x.shape.length));
      if (!x.shape.length) return x;
      return permute(x, swapped(x.shape.length, a, b));
    },
    t: (x) => {
      check(x.shape.length <= 2, `t() expects a tensor with <= 2 dimensions, but self is ${x.shape.length}D`);
      return permute(x, range(x.shape.length).reverse());
    },
    flatten: (x, { values, named }) => {
      const p = bind("flatten()", "start_dim=0 end_dim=-1", { values, named });
      const { shape, merged } = flattened(x.shape, p.start_dim, p.end_dim);
      return merged.length > 1 || !x.shape.length ? reshape(x, shape) : x;
    },
    unsqueeze: (x, { values }) => {
      if (values.length !== 1) throw new Refusal("Write one dimension, such as x.unsqueeze(0).");
      const dim = wrap(values[0], x.shape.length + 1);
      const step = dim < x.shape.length ? x.shape[dim] * x.stride[dim] : 1;
      return { ...x, shape: x.shape.toSpliced(dim, 0, 1), stride: x.stride.toSpliced(dim, 0, step) };
    },
    squeeze: (x, { values }) => {
      if (values.length > 1) throw new Refusal("Write one dimension, or several as a tuple, such as x.squeeze((1, 2)).");
      const chosen = values.length ? values.flat().map((dim) => wrap(dim, x.shape.length)) : range(x.shape.length);
      const twice = chosen.find((dim, i) => chosen.indexOf(dim) < i);
      check(twice === undefined, `dim ${twice} appears multiple times in the list of dims`);
      const kept = (_, dim) => x.shape[dim] !== 1 || !chosen.includes(dim);
      return { ...x, shape: x.shape.filter(kept), stride: x.stride.filter(kept) };
    },
    expand: (x, { values }) => {
      const sizes = values.flat();
      if (!sizes.every((size) => size === -1 || isCount(size))) throw new Refusal("Write the sizes, each at least 1, or -1 for one that stays.");
      const added = sizes.length - x.shape.length;
      check(
        added >= 0,
        `expand(torch.LongTensor{${list(x.shape)}}, size=${list(sizes)}): the number of sizes provided (${sizes.length}) must be greater or equal to the number of dimensions in the tensor (${x.shape.length})`,
      );
      const shape = [];
      const stride = [];
      for (let dim = sizes.length - 1; dim >= 0; dim -= 1) {
        const old = dim < added ? 1 : x.shape[dim - added];
        const step = dim < added ? (shape.length ? shape[0] * stride[0] : 1) : x.stride[dim - added];
        check(
          sizes[dim] !== -1 || dim >= added,
          `The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension ${dim}`,
        );
        const size = sizes[dim] === -1 ? old : sizes[dim];
        check(
          old === 1 || size === old,
          `The expanded size of the tensor (${size}) must match the existing size (${old}) at non-singleton dimension ${dim}.  Target sizes: ${list(sizes)}.  Tensor sizes: ${list(x.shape)}`,
        );
        shape.unshift(size);
        stride.unshift(size === old ? step : 0);
      }
      return { ...x, shape, stride };
    },
    contiguous,
  };
  const ATTRIBUTES = {
    T: (x) => {
      if (x.shape.length !== 2) throw new Refusal("x.T is for matrices: write mT, or permute with the dimensions in their new order.");
      return OPERATIONS.t(x);
    },
    mT: (x) => {
      const dims = x.shape.length;
      if (dims < 2) throw new Refusal("x.mT is for matrices and batches of them.");
      return permute(x, swapped(dims, dims - 1, dims - 2));
    },
  };

  const CALL = /\.\s*(\w+)\s*(?:\(((?:[^()]|\([^()]*\))*)\))?/y;

  /** What a line such as `y = x.t().view(12)` makes of one of the tensors, a Map of their names. */
  const operate = (line, tensors) => {
    const [begin, target, source = "x"] = /^(?:(\w+)\s*=\s*)?(\w+)?\s*/.exec(line);
    if (!tensors.has(source)) throw new Refusal(`There is no tensor ${source} here: a line begins with ${[...tensors.keys()].join(" or ")}, as in x = x.t().`);
    CALL.lastIndex = begin.length;
    let result = { ...tensors.get(source), isCopy: false };
    while (CALL.lastIndex < line.length) {
      const [, name, text] = CALL.exec(line) ?? [];
      const [known, other] = text === undefined ? [ATTRIBUTES, OPERATIONS] : [OPERATIONS, ATTRIBUTES];
      if (!name) throw new Refusal("Write calls of x in a line, such as x.view(4, 3) or x.t().reshape(12).");
      if (Object.hasOwn(other, name)) throw new Refusal(`Write ${name} ${other === ATTRIBUTES ? "without" : "with"} brackets.`);
      if (!Object.hasOwn(known, name)) {
        throw new Refusal(`The bench knows no ${name}. It knows ${[...Object.keys(OPERATIONS), ...Object.keys(ATTRIBUTES)].join(", ")}.`);
      }
      const given = readArguments(text ?? "");
      if (known[name].length === 1 && text?.trim()) throw new Refusal(`Write ${name} without arguments.`);
      if (Object.keys(given.named).length && name !== "flatten") throw new Refusal(`Write the arguments of ${name} without their names.`);
      result = known[name](result, given);
    }
    if (target) tensors.set(target, result);
    return result;
  };

  const strides = (input, program) => {
    const tensors = new Map([["x", arange(readShape(input))]]);
    return follow(program, null, (line) => operate(line, tensors));
  };

  // What is seen

  const { make } = window.benches;
  const code = (text) => make("code", {}, text);
  const row = (head, ...cells) =>
    make("tr", {}, make("th", { scope: "row" }, head), ...cells.map((cell) => make("td", {}, cell)));

  const table = (heads, rows) =>
    make(
      "table", {},
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...rows),
    );

  /** A table of steps, the last of which may have failed. */
  const stepTable = (heads, steps, cells) =>
    table(heads, steps.map((step) => row(code(step.line), ...(step.error ? [make("strong", {}, "fails")] : cells(step)))));

  /** A tensor's elements as torch prints them. */
  const printed = (x) => {
    const values = places(x).map((at) => String(x.memory[at]));
    const width = Math.max(...values.map((value) => value.length));
    const write = (dim, from, count) => {
      if (dim === x.shape.length) return values[from].padStart(width);
      const each = count / x.shape[dim];
      const parts = range(x.shape[dim]).map((i) => write(dim + 1, from + i * each, each));
      const isLast = dim === x.shape.length - 1;
      return `[${parts.join(isLast ? ", " : `,${"\n".repeat(x.shape.length - dim - 1)}${" ".repeat(dim + 1)}`)}]`;
    };
    return write(0, 0, values.length);
  };

  const END = { layers: "The network ends with", strides: "The last row has" };

  const SHOW = {
    layers: ({ input, program }) => {
      const steps = layers(input, program);
      if (!steps.length) throw new Refusal("Write a layer, such as nn.Conv2d(1, 6, 5).");
      const done = steps.filter(({ error }) => !error);
      const total = done.reduce((sum, { parameters }) => sum + parameters, 0);
      const shown = stepTable(["Layer", "Output", "Parameters"], steps, ({ shape, how, parameters }) => [
        make("span", {}, code(tuple(shape)), make("small", {}, how)),
        parameters.toLocaleString("en"),
      ]);
      return { steps, shown: [shown], more: `, and has ${total.toLocaleString("en")} parameters` };
    },
    strides: ({ input, program }) => {
      const steps = strides(input, program);
      const start = arange(readShape(input));
      const all = [{ line: "x", ...start }, ...steps];
      const done = all.filter(({ error }) => !error);
      const shown = stepTable(["Line", "Shape", "Strides", "Memory"], all, (x) => [
        code(tuple(x.shape)),
        code(tuple(x.stride)),
        `${x.isCopy ? "copied, " : ""}${isContiguous(x) ? "contiguous" : "not contiguous"}`,
      ]);
      const last = done.at(-1);
      const hasElements = last.memory && last.shape.length && isDrawn(last.shape);
      const elements = make("pre", { className: "no-copy", tabIndex: 0, ariaLabel: "Elements" }, code(hasElements ? printed(last) : ""));
      elements.setAttribute("role", "region");
      const words = make("p", {}, "The elements in the row ", code(last.line), ", counted from 0 in the order in which they were made:");
      return { steps: all, shown: hasElements ? [shown, words, elements] : [shown], more: "" };
    },
    broadcast: ({ a, b }) => {
      const { columns, error, shape } = broadcast(readShape(a, 0), readShape(b, 0));
      const cell = (own, { fits, out }) => {
        if (!fits) return make("strong", {}, `${own ?? ""} ✗`);
        if (own === out) return String(own);
        return `${own ?? "–"} → ${out}`;
      };
      const shown = table(
        ["Dimension", ...columns.map((_, dim) => String(dim - columns.length).replace("-", "−"))],
        [
          row("a", ...columns.map((column) => cell(column.a, column))),
          row("b", ...columns.map((column) => cell(column.b, column))),
          row("a + b", ...columns.map(({ fits, out }) => (fits ? String(out) : "✗"))),
        ],
      );
      return { steps: [{ error, shape }], shown: [shown], more: "", subject: "a + b has" };
    },
  };

  /** Compute what stands in a bench, at each change. */
  const mount = (bench) => {
    const kind = bench.dataset.bench;
    const fields = [...bench.querySelectorAll("input, textarea")];
    const said = bench.querySelector("output");
    const result = bench.querySelector(".bench-result");
    const update = () => {
      const values = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
      said.className = "";
      try {
        const { steps, shown, more, subject } = SHOW[kind](values);
        const { error, number, shape } = steps.at(-1) ?? {};
        result.replaceChildren(...shown);
        if (!error) {
          said.replaceChildren(...(shape ? [`${subject ?? END[kind]} the shape `, code(tuple(shape)), `${more}.`] : []));
          return;
        }
        throw Object.assign(error, { number });
      } catch (error) {
        if (!(error instanceof TorchError || error instanceof Refusal)) throw error;
        if (error instanceof Refusal) said.replaceChildren(`${error.number ? `Line ${error.number}: ` : ""}${error.message}`);
        else said.replaceChildren(...failure(bench, error));
        said.className = "failed";
        if (!error.number && error instanceof Refusal) result.replaceChildren();
      }
    };
    for (const field of fields) field.addEventListener("input", update);
    bench.querySelector("button").addEventListener("click", () => {
      for (const field of fields) field.value = field.defaultValue;
      update();
    });
    bench.classList.add("ready");
    update();
  };

  /** torch's message, the line that raises it, and where the message is explained. */
  const failure = (bench, { type, message, number }) => {
    const parts = [`${number ? `Line ${number} raises ` : "torch raises "}`, code(`${type}: ${message}`)];
    const about = [...bench.querySelectorAll("[data-about]")].find((link) => message.includes(link.dataset.about));
    if (about) parts.push(" ", make("a", { href: about.href }, "What it means, and what helps"));
    return parts;
  };

  Object.assign(window.benches, { layers: mount, broadcast: mount, strides: mount });
  return { layers, broadcast, strides, Refusal };
})();
