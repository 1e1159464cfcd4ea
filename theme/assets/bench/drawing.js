// What several benches share: reading the file of a run, and drawing what is in it.
"use strict";
{
  const { make } = window.benches;
  const SIZE = 32; // of a picture, in pixels

  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  const half = (bits) => {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
    return bits & 0x8000 ? -size : size;
  };
  /** Numbers of two bytes, torch's float16, from byte `at` on. */
  const halves = (bytes, at, count) => {
    const view = new DataView(bytes.buffer, at);
    return Float32Array.from({ length: count }, (_, i) => half(view.getUint16(2 * i, true)));
  };

  /** A canvas of which `colour` gives the pixels, [red, green, blue] each. */
  const canvas = (width, height, colour, properties = {}) => {
    const element = make("canvas", { width, height, ...properties });
    const pixels = new ImageData(width, height);
    for (let i = 0; i < width * height; i += 1) pixels.data.set([...colour(i), 255], 4 * i);
    element.getContext("2d").putImageData(pixels, 0, 0);
    return element;
  };
  /** A picture of bytes (3, 32, 32). */
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

  /** A filter of three channels, of weights (filters, 3, kernel, kernel): mid-grey is a weight of zero. */
  const filterOf = (weights, filter, kernel, limit, properties) => {
    const at = (i, channel) => 127.5 + (127.5 * weights[(filter * 3 + channel) * kernel ** 2 + i]) / limit;
    return canvas(kernel, kernel, (i) => [0, 1, 2].map((channel) => at(i, channel)), properties);
  };
  const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);

  const svg = (tag, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  window.benches.drawing = { SIZE, bytesOf, halves, pictureOf, heat, filterOf, largest, svg };
}
