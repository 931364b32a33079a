// What lies over the voxels: one set of values, or those of a model's tokens. Both say what share of their largest
// value a voxel has (below 0 for the other sign), and what a reader is told of it.
let overlay;
let opacity = scan.overlay?.opacity;                   // where the overlay is largest

// RGBA from grey towards yellow for little of the overlay and red for the most of it, and blue below 0.
function tinted(grey, part) {
  if (part === 0) return grey;
  const light = grey & 0xff, most = Math.abs(part), share = opacity * most;
  const mixed = ink => light + (ink - light) * share + 0.5;
  if (part < 0) return 0xff000000 | mixed(255) << 16 | mixed(160 - 100 * most) << 8 | mixed(0);
  return 0xff000000 | mixed(0) << 16 | mixed(255 - 255 * part) << 8 | mixed(255);
}

function listenToOpacity() {
  document.getElementById("opacity").addEventListener("input", event => {
    opacity = event.target.valueAsNumber;
    redraw();
  });
}

async function unpackOverlay() {
  if (!scan.overlay) return undefined;
  return scan.overlay.layers ? tokenOverlay(await inflate("overlay")) : voxelOverlay(await unpack("overlay"));
}

function voxelOverlay(heat) {
  const partAt = voxel => scan.overlay.levels[heat[voxel]] / 255;
  return {
    partAt,
    textAt: voxel => `${scan.overlay.name} ${Math.round(100 * partAt(voxel))} % of its maximum`,
    buildControls: listenToOpacity,
  };
}

// ---- tokens ------------------------------------------------------------------------------------------------------------

// The finest token of every voxel that is shown, -1 beside all of them.
function tokenOfVoxels() {
  const { first, along, scales: [{ tokens }] } = scan.overlay;          // of d, h, w
  const tokenOf = new Int32Array(size[0] * size[1] * size[2]);
  let voxel = 0;
  for (let z = 0; z < size[2]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[0]; x++, voxel++) {
        const d = fullIndex(z, 2), h = fullIndex(y, 1), w = fullIndex(x, 0);
        const place = first.map((start, axis) =>
          Math.floor(start + d * along[0][axis] + h * along[1][axis] + w * along[2][axis]));
        const inside = place.every((index, axis) => index >= 0 && index < tokens[axis]);
        tokenOf[voxel] = inside ? (place[0] * tokens[1] + place[1]) * tokens[2] + place[2] : -1;
      }
    }
  }
  return tokenOf;
}

const countOf = tokens => tokens[0] * tokens[1] * tokens[2];

// Values of one layer on the finest grid: of one scale, or of all (-1).
function valuesOfLayer(levels, layer, chosen) {
  const { scales } = scan.overlay, finest = scales[0].tokens;
  const values = new Float32Array(countOf(finest));
  let begin = layer * scales.reduce((sum, scale) => sum + countOf(scale.tokens), 0);
  scales.forEach((scale, s) => {
    const step = scan.overlay.layers[layer].steps[s];
    if (chosen === -1 || chosen === s) {
      let token = 0;
      for (let d = 0; d < finest[0]; d++) {
        for (let h = 0; h < finest[1]; h++) {
          for (let w = 0; w < finest[2]; w++, token++) {
            const place = [d, h, w].map((index, axis) => Math.floor(index / scale.finest[axis]));
            if (place.some((index, axis) => index >= scale.tokens[axis])) continue;
            values[token] += step * levels[begin + (place[0] * scale.tokens[1] + place[1]) * scale.tokens[2] + place[2]];
          }
        }
      }
    }
    begin += countOf(scale.tokens);
  });
  return values;
}

function tokenOverlay(bytes) {
  const levels = new Int8Array(bytes.buffer), tokenOf = tokenOfVoxels();
  const shown = { layer: 0, scale: -1, parts: null };
  const update = () => {
    const values = valuesOfLayer(levels, shown.layer, shown.scale);
    const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    shown.parts = values.map(value => most > 0 ? value / most : 0);
    showLayer(scan.overlay.layers[shown.layer]);
  };
  const partAt = voxel => tokenOf[voxel] < 0 ? 0 : shown.parts[tokenOf[voxel]];
  return {
    partAt,
    textAt: voxel => `${Math.round(100 * partAt(voxel))} % of the largest`,
    buildControls: () => {
      listenToOpacity();
      for (const name of ["layer", "scale"]) {
        document.getElementById(name).addEventListener("change", event => {
          shown[name] = Number(event.target.value);
          update();
          redraw();
        });
      }
      update();
    },
  };
}

// What is said of a layer, and its places, to which the crosshair goes.
function showLayer(layer) {
  document.getElementById("layer-about").textContent = layer.about;
  document.getElementById("places").replaceChildren(...layer.places.map(place => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = place.text;
    button.addEventListener("click", () => goTo(place.voxel));
    return button;
  }));
  if (layer.places.length) goTo(layer.places[0].voxel);
}

function goTo(fullVoxel) {
  state.at = fullVoxel.map((index, axis) =>
    Math.min(size[axis] - 1, Math.floor(index * size[axis] / scan.fullSize[axis])));
  redraw();
}
