
// The page of windows: a script that voxels.js comes before.
const windows = scan.windows, histogram = scan.histogram;
const state = { slice: Math.floor(size[2] / 2), hover: null };   // hover: [x, y] in the slice
const colors = windows.map((_, i) => `hsl(${Math.round(i * 137.5 + 28) % 360} 70% 66%)`);
const rounded = value => Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));

// ---- pictures --------------------------------------------------------------------------------------------------------

// RGBA of each code through a window.
function greysOf({ low, high }) {
  const used = scan.levels.length || 65536, greys = new Uint32Array(used);
  for (let code = 0; code < used; code++) {
    const part = Math.min(1, Math.max(0, (valueOf(code) - low) / (high - low)));
    greys[code] = 0xff000000 | Math.floor(part * 255 + 0.5) * 0x010101;
  }
  return greys;
}

function draw(view) {
  const pixels = new Uint32Array(view.image.data.buffer), first = state.slice * steps[2];
  for (let i = 0; i < pixels.length; i++) pixels[i] = view.greys[codes[first + i]];
  const context = view.canvas.getContext("2d");
  context.putImageData(view.image, 0, 0);
  if (!state.hover) return;
  context.strokeStyle = view.color;
  context.strokeRect(state.hover[0] - 2.5, state.hover[1] - 2.5, 6, 6);
}

function showReadout() {
  const full = fullIndex(state.slice, 2);
  document.getElementById("slice").textContent = `${full} of ${scan.fullSize[2]}`;
  document.getElementById("slider").value = state.slice;
  const readout = document.getElementById("readout");
  if (!state.hover) {
    readout.replaceChildren();
    return;
  }
  const strong = document.createElement("b"), voxel = [...state.hover, state.slice];
  strong.textContent = `${rounded(valueOf(codeAt(voxel)))} ${unit}`;
  readout.replaceChildren(strong, `voxel ${voxel.map(fullIndex).join(", ")}`);
}

// ---- histogram -------------------------------------------------------------------------------------------------------

const curveHeight = 130, axisHeight = 22, rowHeight = 17;

function ticks(low, high, most) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough);
  const values = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) values.push(i * step);
  return values;
}

function drawCurve(context, place, width, left) {
  const most = Math.max(...histogram.counts), bins = histogram.counts.length;
  context.fillStyle = "#5f6f85";
  histogram.counts.forEach((count, i) => {
    const height = (count / most) ** 0.3 * (curveHeight - 8);   // compressed: rare tissue shows beside the air
    context.fillRect(left + i * width / bins, curveHeight - height, Math.max(1, width / bins - 0.5), height);
  });
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillStyle = "#93a0b2";
  for (const value of ticks(histogram.low, histogram.high, width / 90)) {
    context.fillRect(place(value), curveHeight, 1, 4);
    context.fillText(rounded(value), place(value), curveHeight + 6);
  }
}

// From black to white between the window's ends, and so on to both sides of them.
function drawRow(context, place, row, window, left, width) {
  const top = curveHeight + axisHeight + row * rowHeight, from = place(window.low), to = place(window.high);
  context.save();
  context.beginPath();
  context.rect(left, top, width, rowHeight - 4);
  context.clip();
  const gradient = context.createLinearGradient(from, 0, Math.max(to, from + 0.01), 0);
  gradient.addColorStop(0, "#000");
  gradient.addColorStop(1, "#fff");
  context.fillStyle = gradient;
  context.fillRect(left, top, width, rowHeight - 4);
  context.strokeStyle = colors[row];
  context.strokeRect(from, top + 0.5, to - from, rowHeight - 5);
  context.restore();
  context.fillStyle = colors[row];
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(window.name, left - 10, top + rowHeight / 2 - 2, left - 12);
}

function drawHistogram() {
  const canvas = document.getElementById("histogram"), context = canvas.getContext("2d"), dot = devicePixelRatio;
  const height = curveHeight + axisHeight + windows.length * rowHeight + 4;
  canvas.style.height = `${height}px`;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * dot));
  canvas.height = Math.round(height * dot);
  context.scale(dot, dot);
  const left = 120, width = Math.max(10, canvas.clientWidth - left - 14);
  const place = value => left + (value - histogram.low) / (histogram.high - histogram.low) * width;
  context.font = "12px system-ui, sans-serif";
  drawCurve(context, place, width, left);
  windows.forEach((window, row) => drawRow(context, place, row, window, left, width));
  if (!state.hover) return;
  const value = valueOf(codeAt([...state.hover, state.slice]));
  context.fillStyle = "#ffb454";
  context.fillRect(Math.min(left + width, Math.max(left, place(value))) - 0.5, 0, 1, height);
}

// ---- changes ---------------------------------------------------------------------------------------------------------

const views = [];
let scheduled = false;
function redraw() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    views.forEach(draw);
    showReadout();
    drawHistogram();
  });
}

function moveTo(slice) {
  state.slice = Math.min(size[2] - 1, Math.max(0, slice));
  redraw();
}

function listenToPointer(canvas) {
  canvas.addEventListener("pointermove", event => {
    const box = canvas.getBoundingClientRect();
    const x = Math.floor((event.clientX - box.left - canvas.clientLeft) / canvas.clientWidth * size[0]);
    const y = Math.floor((event.clientY - box.top - canvas.clientTop) / canvas.clientHeight * size[1]);
    state.hover = x >= 0 && y >= 0 && x < size[0] && y < size[1] ? [x, y] : null;
    redraw();
  });
  canvas.addEventListener("pointerleave", () => {
    state.hover = null;
    redraw();
  });
  let travelled = 0;                                   // pixels; a trackpad sends many small ones
  canvas.addEventListener("wheel", event => {
    if (event.ctrlKey) return;                         // the browser's zoom
    event.preventDefault();
    travelled += event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 40);
    const slices = Math.trunc(travelled / 40);
    travelled -= slices * 40;
    if (slices) moveTo(state.slice + slices);
  }, { passive: false });
}

const keySteps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity };

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input") || !(event.key in keySteps)) return;
  event.preventDefault();
  moveTo(state.slice + keySteps[event.key]);
}

// ---- start -----------------------------------------------------------------------------------------------------------

function buildView(window, i) {
  const figure = document.getElementById("view").content.firstElementChild.cloneNode(true);
  figure.style.setProperty("--plane", colors[i]);
  figure.querySelector(".name").textContent = window.name;
  figure.querySelector(".slice").textContent = `${rounded(window.low)} to ${rounded(window.high)} ${unit}`;
  const canvas = figure.querySelector("canvas");
  canvas.width = size[0];
  canvas.height = size[1];
  canvas.style.aspectRatio = `${size[0] * spacing[0]} / ${size[1] * spacing[1]}`;
  canvas.setAttribute("aria-label", `The slice through the window ${window.name}`);
  listenToPointer(canvas);
  document.getElementById("views").append(figure);
  views.push({ canvas, image: new ImageData(size[0], size[1]), greys: greysOf(window), color: colors[i] });
}

async function start() {
  [codes] = await unpackOrSay(unpack("voxels"));
  if (!codes) return;
  windows.forEach(buildView);
  const slider = document.getElementById("slider");
  slider.max = size[2] - 1;
  slider.addEventListener("input", () => moveTo(Number(slider.value)));
  document.addEventListener("keydown", onKey);
  new ResizeObserver(redraw).observe(document.getElementById("views"));
  redraw();
}

start();
