"use strict";

// What page.cc and its callers wrote into the page. Axes are 0: x (columns), 1: y (rows), 2: z (slices) throughout.
const scan = JSON.parse(document.getElementById("scan").textContent);
const unit = document.body.dataset.unit;
const size = scan.size;                                // voxels kept along x, y, z
const steps = [1, size[0], size[0] * size[1]];         // from one voxel to the next along x, y, z
const spacing = scan.spacing.map((mm, axis) => mm * scan.fullSize[axis] / size[axis]);
let codes;                                             // Uint16Array, z slowest

// The bytes of an element: base64 of a zlib stream.
async function inflate(id) {
  const element = document.getElementById(id);
  const packed = Uint8Array.from(atob(element.textContent.trim()), c => c.charCodeAt(0));
  element.remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Undoes packed_voxels.cc: residuals against the median of three neighbours.
async function unpack(id) {
  const bytes = await inflate(id);
  const count = size[0] * size[1] * size[2];
  if (bytes.length !== 2 * count) throw new Error(`${bytes.length} bytes`);
  const values = new Uint16Array(count);
  let i = 0;
  for (let z = 0; z < size[2]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[0]; x++, i++) {
        const a = x ? values[i - 1] : 0, b = y ? values[i - steps[1]] : 0, c = z ? values[i - steps[2]] : 0;
        const median = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
        const zigzag = bytes[i] | bytes[count + i] << 8;
        values[i] = median + (zigzag >> 1 ^ -(zigzag & 1));   // modulo 65536
      }
    }
  }
  return values;
}

const valueOf = code => scan.levels.length ? scan.levels[code] : scan.offset + scan.scale * code;
const codeAt = voxel => codes[voxel[0] + voxel[1] * steps[1] + voxel[2] * steps[2]];
// Index in the whole volume of a voxel that thinning kept.
const fullIndex = (index, axis) => Math.floor((2 * index + 1) * scan.fullSize[axis] / (2 * size[axis]));

// What is being unpacked, or nothing and a word to the reader why not.
async function unpackOrSay(...parts) {
  const message = document.getElementById("message");
  try {
    const unpacked = await Promise.all(parts);
    message.remove();
    return unpacked;
  } catch (error) {
    message.textContent = typeof DecompressionStream === "undefined"
      ? "This browser is too old to unpack the voxels (Chrome 80, Firefox 113 or Safari 16.4 can)."
      : `The voxels in this page are damaged: it may be an incomplete copy (${error.message}).`;
    return [];
  }
}
