// The page of three planes: a script that voxels.js comes before.
const planes = [
  { name: "Axial", plainName: "Slice plane", axis: 2, across: 0, down: 1, color: "#ffb454" },
  { name: "Coronal", plainName: "Row plane", axis: 1, across: 0, down: 2, color: "#5ad1b8" },
  { name: "Sagittal", plainName: "Column plane", axis: 0, across: 1, down: 2, color: "#c49bff" },
];
const sides = [["R", "L"], ["A", "P"], scan.slicesAscend ? ["I", "S"] : ["S", "I"]];   // low and high end of x, y, z

const inkColor = "#e3e8ef";

const hounsfieldPresets = [
  ["Lung", -600, 1500], ["Mediastinum", 50, 400], ["Abdomen", 40, 400], ["Bone", 400, 1800], ["Brain", 40, 80],
];
const presets = [...(unit === "HU" ? hounsfieldPresets : []), ["Auto", ...scan.automatic]];

const state = {
  at: size.map(n => Math.floor(n / 2)),                // the voxel under the crosshair
  center: scan.window[0],
  width: scan.window[1],
  active: planes[0],                                   // whom the keyboard moves
  hover: null,                                         // the voxel under the pointer
};
const greys = new Uint32Array(65536);                  // RGBA of each code in the present window

// ---- voxels ----------------------------------------------------------------------------------------------------------

function updateGreys() {
  const low = state.center - state.width / 2;
  const used = scan.levels.length || 65536;
  for (let code = 0; code < used; code++) {
    const part = Math.min(1, Math.max(0, (valueOf(code) - low) / state.width));
    greys[code] = 0xff000000 | Math.floor(part * 255 + 0.5) * 0x010101;
  }
}

// ---- pictures --------------------------------------------------------------------------------------------------------

// Rows run downwards; along z the head end is up.
const flipped = plane => plane.down === 2 && scan.slicesAscend;

function drawVoxels(plane) {
  const image = plane.image, pixels = new Uint32Array(image.data.buffer);
  const columns = size[plane.across], rows = size[plane.down];
  const start = state.at[plane.axis] * steps[plane.axis];
  let pixel = 0;
  for (let row = 0; row < rows; row++) {
    let voxel = start + (flipped(plane) ? rows - 1 - row : row) * steps[plane.down];
    for (let column = 0; column < columns; column++, voxel += steps[plane.across], pixel++) {
      pixels[pixel] = overlay ? tinted(greys[codes[voxel]], overlay.partAt(voxel)) : greys[codes[voxel]];
    }
  }
  plane.picture.getContext("2d").putImageData(image, 0, 0);
}

// Where the picture lies on its canvas: as large as fits, in the patient's proportions.
function placeOf(plane) {
  const width = size[plane.across] * spacing[plane.across], height = size[plane.down] * spacing[plane.down];
  const scale = Math.min(plane.canvas.width / width, plane.canvas.height / height);
  return {
    left: (plane.canvas.width - width * scale) / 2, top: (plane.canvas.height - height * scale) / 2,
    width: width * scale, height: height * scale, pixelsPerMm: scale,
  };
}

function draw(plane) {
  const canvas = plane.canvas, context = canvas.getContext("2d");
  const dot = devicePixelRatio;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * dot));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * dot));
  const place = placeOf(plane);
  drawVoxels(plane);
  context.imageSmoothingEnabled = document.getElementById("smooth").checked;
  context.imageSmoothingQuality = "high";
  context.drawImage(plane.picture, place.left, place.top, place.width, place.height);
  if (document.getElementById("crosshair").checked) drawCrosshair(context, plane, place, dot);
  context.font = `600 ${13 * dot}px system-ui, sans-serif`;
  if (scan.lpsAxial) drawSides(context, plane, dot);
  drawRuler(context, place, dot);
  describe(plane);
}

function drawCrosshair(context, plane, place, dot) {
  const row = flipped(plane) ? size[plane.down] - 1 - state.at[plane.down] : state.at[plane.down];
  const x = place.left + (state.at[plane.across] + 0.5) / size[plane.across] * place.width;
  const y = place.top + (row + 0.5) / size[plane.down] * place.height;
  const gap = 9 * dot;                                 // the voxel itself stays visible
  const line = (color, x0, y0, x1, y1) => {
    context.strokeStyle = color;
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  };
  const colorOf = axis => planes.find(other => other.axis === axis).color;
  context.lineWidth = dot;
  context.globalAlpha = 0.75;
  context.save();
  context.beginPath();
  context.rect(place.left, place.top, place.width, place.height);
  context.clip();
  line(colorOf(plane.across), x, 0, x, y - gap);
  line(colorOf(plane.across), x, y + gap, x, context.canvas.height);
  line(colorOf(plane.down), 0, y, x - gap, y);
  line(colorOf(plane.down), x + gap, y, context.canvas.width, y);
  context.restore();
  context.globalAlpha = 1;
}

function drawSides(context, plane, dot) {
  const { width, height } = context.canvas, inset = 14 * dot;
  const [left, right] = sides[plane.across];
  const [top, bottom] = flipped(plane) ? [...sides[plane.down]].reverse() : sides[plane.down];
  context.textAlign = "center";
  context.textBaseline = "middle";
  const letter = (text, x, y) => {
    context.fillStyle = "#000a";                       // so that a crosshair line does not strike it through
    context.fillRect(x - 9 * dot, y - 9 * dot, 18 * dot, 18 * dot);
    context.fillStyle = inkColor;
    context.fillText(text, x, y);
  };
  letter(left, inset, height / 2);
  letter(right, width - inset, height / 2);
  letter(top, width / 2, inset);
  letter(bottom, width / 2, height - inset);
}

function drawRuler(context, place, dot) {
  const lengths = [1000, 500, 200, 100, 50, 20, 10, 5, 2, 1];
  const mm = lengths.find(length => length * place.pixelsPerMm < context.canvas.width / 4);
  if (mm === undefined) return;
  const left = 10 * dot, bottom = context.canvas.height - 10 * dot, length = mm * place.pixelsPerMm;
  context.shadowColor = "#000";
  context.shadowBlur = 3 * dot;
  context.fillStyle = inkColor;
  context.fillRect(left, bottom - 2 * dot, length, 2 * dot);
  context.font = `${11 * dot}px system-ui, sans-serif`;
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillText(mm + " mm", left, bottom - 4 * dot);
}

function describe(plane) {
  const index = state.at[plane.axis], axis = "xyz"[plane.axis];
  const name = scan.lpsAxial ? plane.name : plane.plainName;
  const text = `${axis} ${fullIndex(index, plane.axis)} of ${scan.fullSize[plane.axis]}`;
  plane.figure.querySelector(".name").textContent = name;
  plane.figure.querySelector(".slice").textContent = text;
  plane.figure.classList.toggle("active", plane === state.active);
  plane.slider.value = index;
  plane.slider.setAttribute("aria-label", name + " slice");
  plane.slider.setAttribute("aria-valuetext", text);
  plane.canvas.setAttribute("aria-label", `${name} picture, ${text}`);
}

function showReadout() {
  const voxel = state.hover ?? state.at, value = valueOf(codeAt(voxel));
  const exact = Number.isInteger(value) ? value : Number(value.toPrecision(5));
  const full = voxel.map(fullIndex);
  const mm = full.map((index, axis) => (index * scan.spacing[axis]).toFixed(1));
  const strong = document.createElement("b");
  strong.textContent = `${exact} ${unit}`;
  const text = `voxel ${full.join(", ")}  (${mm.join(", ")} mm)`;
  document.getElementById("readout").replaceChildren(strong, text + overlayText(voxel));
}

function overlayText(voxel) {
  return overlay ? "  " + overlay.textAt(voxel[0] + voxel[1] * steps[1] + voxel[2] * steps[2]) : "";
}

// All pictures, once for however many changes came before the next frame.
let scheduled = false;
function redraw() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    planes.forEach(draw);
    showReadout();
  });
}

// ---- changes ---------------------------------------------------------------------------------------------------------

const clamp = (index, axis) => Math.min(size[axis] - 1, Math.max(0, index));

function moveTo(axis, index) {
  state.at[axis] = clamp(index, axis);
  redraw();
}

function setWindow(center, width) {
  const usable = Number.isFinite(center) && Number.isFinite(width) && width > 0;
  if (!usable) return false;
  Object.assign(state, { center, width });
  document.querySelectorAll("#presets button").forEach((button, i) =>
    button.setAttribute("aria-pressed", presets[i][1] === center && presets[i][2] === width));
  updateGreys();
  redraw();
  return true;
}

function showWindowInputs() {
  for (const name of ["center", "width"]) {
    const input = document.getElementById(name);
    input.value = Number(state[name].toPrecision(6));
    input.removeAttribute("aria-invalid");
  }
}

// The voxel under a pointer on a picture, null beside it.
function voxelUnder(plane, event) {
  const place = placeOf(plane), box = plane.canvas.getBoundingClientRect();
  const dot = plane.canvas.width / plane.canvas.clientWidth;
  const x = (event.clientX - box.left - plane.canvas.clientLeft) * dot - place.left;
  const y = (event.clientY - box.top - plane.canvas.clientTop) * dot - place.top;
  const column = Math.floor(x / place.width * size[plane.across]), row = Math.floor(y / place.height * size[plane.down]);
  if (column < 0 || row < 0 || column >= size[plane.across] || row >= size[plane.down]) return null;
  const voxel = [...state.at];
  voxel[plane.across] = column;
  voxel[plane.down] = flipped(plane) ? size[plane.down] - 1 - row : row;
  return voxel;
}

function listenToPointer(plane) {
  const canvas = plane.canvas;
  let windowing = null;                                // where a window drag began
  canvas.addEventListener("pointerdown", event => {
    state.active = plane;
    canvas.setPointerCapture(event.pointerId);
    if (event.button === 2 || event.shiftKey) {
      windowing = { x: event.clientX, y: event.clientY, center: state.center, width: state.width };
    } else {
      state.at = voxelUnder(plane, event) ?? state.at;
    }
    redraw();
  });
  canvas.addEventListener("pointermove", event => {
    state.hover = voxelUnder(plane, event);
    if (windowing) {
      const width = windowing.width * Math.exp((event.clientX - windowing.x) / 200);
      const center = windowing.center + (event.clientY - windowing.y) * windowing.width / 300;
      if (setWindow(Number(center.toPrecision(4)), Number(width.toPrecision(4)))) showWindowInputs();
    } else if (event.buttons === 1) {
      state.at = state.hover ?? state.at;
      redraw();
    } else {
      showReadout();
    }
  });
  const end = () => { windowing = null; };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => {
    state.hover = null;
    showReadout();
  });
  canvas.addEventListener("contextmenu", event => event.preventDefault());
}

function listenToWheel(plane) {
  let travelled = 0;                                   // pixels; a trackpad sends many small ones
  plane.canvas.addEventListener("wheel", event => {
    if (event.ctrlKey) return;                         // the browser's zoom
    event.preventDefault();
    state.active = plane;
    travelled += event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 40);
    const slices = Math.trunc(travelled / 40);
    travelled -= slices * 40;
    state.hover = null;
    if (slices) moveTo(plane.axis, state.at[plane.axis] + slices);
  }, { passive: false });
}

const keySteps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity };

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input[type=number], input[type=range]")) return;
  if (event.key in keySteps) {
    event.preventDefault();
    moveTo(state.active.axis, state.at[state.active.axis] + keySteps[event.key]);
  } else if (presets[event.key - 1]) {
    usePreset(presets[event.key - 1]);
  }
}

function usePreset([, center, width]) {
  setWindow(center, width);
  showWindowInputs();
}

// ---- start -----------------------------------------------------------------------------------------------------------

function buildView(plane) {
  const figure = document.getElementById("view").content.firstElementChild.cloneNode(true);
  figure.style.setProperty("--plane", plane.color);
  plane.figure = figure;
  plane.canvas = figure.querySelector("canvas");
  plane.slider = figure.querySelector("input");
  plane.slider.max = size[plane.axis] - 1;
  plane.picture = document.createElement("canvas");
  plane.picture.width = size[plane.across];
  plane.picture.height = size[plane.down];
  plane.image = new ImageData(size[plane.across], size[plane.down]);
  plane.slider.addEventListener("input", () => moveTo(plane.axis, Number(plane.slider.value)));
  for (const element of [plane.canvas, plane.slider]) {
    element.addEventListener("focus", () => {
      state.active = plane;
      redraw();
    });
  }
  listenToPointer(plane);
  listenToWheel(plane);
  document.getElementById("views").append(figure);
  new ResizeObserver(redraw).observe(plane.canvas);
}

function buildControls() {
  for (const preset of presets) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = preset[0];
    button.title = `centre ${Number(preset[1].toPrecision(6))}, width ${Number(preset[2].toPrecision(6))}`;
    button.addEventListener("click", () => usePreset(preset));
    document.getElementById("presets").append(button);
  }
  const center = document.getElementById("center"), width = document.getElementById("width");
  for (const input of [center, width]) {
    input.addEventListener("input", () =>
      input.setAttribute("aria-invalid", !setWindow(center.valueAsNumber, width.valueAsNumber)));
  }
  for (const id of ["smooth", "crosshair"]) document.getElementById(id).addEventListener("change", redraw);
  document.addEventListener("keydown", onKey);
}

async function start() {
  [codes, overlay] = await unpackOrSay(unpack("voxels"), unpackOverlay());
  if (!codes) return;
  planes.forEach(buildView);
  buildControls();
  overlay?.buildControls();
  setWindow(state.center, state.width);
  showWindowInputs();
}

start();
