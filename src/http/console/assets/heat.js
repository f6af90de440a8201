// A sweep as a grid: the arithmetic of its map, apart from the drawing.

/** Columns of a sweep as a grid of buy windows by sell windows. */
export function gridOf(columns) {
  const buys = [...new Set(columns.buyWindow)].sort((a, b) => a - b);
  const sells = [...new Set(columns.sellWindow)].sort((a, b) => a - b);
  const across = new Map(buys.map((window, i) => [window, i]));
  const up = new Map(sells.map((window, i) => [window, i]));
  const row = new Int32Array(buys.length * sells.length).fill(-1);
  for (let i = 0; i < columns.buyWindow.length; i++) row[across.get(columns.buyWindow[i]) * sells.length + up.get(columns.sellWindow[i])] = i;
  return { buys, sells, row };
}

export function median(values) {
  if (!values.length) return null;
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One metric over the grid, NaN where it's undefined. */
export function valuesOf(grid, column) {
  return Float64Array.from(grid.row, (i) => (i < 0 || column[i] === null ? Number.NaN : column[i]));
}

/** The median of each cell and those around it: what is left of a result when its windows are a little off. */
export function neighbourhood({ buys, sells }, values) {
  const out = new Float64Array(values.length);
  const around = [];
  for (let x = 0; x < buys.length; x++)
    for (let y = 0; y < sells.length; y++) {
      around.length = 0;
      for (let dx = -1; dx <= 1; dx++)
        for (let dy = -1; dy <= 1; dy++) {
          const [i, j] = [x + dx, y + dy];
          if (i < 0 || j < 0 || i >= buys.length || j >= sells.length) continue;
          const value = values[i * sells.length + j];
          if (!Number.isNaN(value)) around.push(value);
        }
      out[x * sells.length + y] = around.length ? median(around) : Number.NaN;
    }
  return out;
}

/** Cells in the order of a score, each at least two cells away from those before it, so that they are of different regions. */
export function bestCells({ buys, sells }, score, wanted, lowest = false) {
  const order = [...score.keys()].filter((i) => !Number.isNaN(score[i])).sort((a, b) => (lowest ? score[a] - score[b] : score[b] - score[a]));
  const taken = new Uint8Array(score.length);
  const found = [];
  for (const cell of order) {
    if (found.length === wanted) break;
    if (taken[cell]) continue;
    found.push(cell);
    const [x, y] = [Math.floor(cell / sells.length), cell % sells.length];
    for (let i = Math.max(0, x - 1); i <= Math.min(buys.length - 1, x + 1); i++)
      for (let j = Math.max(0, y - 1); j <= Math.min(sells.length - 1, y + 1); j++) taken[i * sells.length + j] = 1;
  }
  return found;
}

/** The largest connected area of cells above a bound, as a mask, with how many cells it and all such areas have. */
export function plateau({ buys, sells }, values, bound) {
  const [width, height] = [buys.length, sells.length];
  const label = new Int32Array(values.length);
  let best = { size: 0, label: 0 };
  let above = 0;
  let next = 0;
  const stack = [];
  for (let start = 0; start < values.length; start++) {
    if (!(values[start] > bound)) continue;
    above++;
    if (label[start]) continue;
    const name = ++next;
    let size = 0;
    stack.push(start);
    label[start] = name;
    while (stack.length) {
      const cell = stack.pop();
      size++;
      const [x, y] = [Math.floor(cell / height), cell % height];
      for (const [i, j] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]) {
        if (i < 0 || j < 0 || i >= width || j >= height) continue;
        const other = i * height + j;
        if (!label[other] && values[other] > bound) {
          label[other] = name;
          stack.push(other);
        }
      }
    }
    if (size > best.size) best = { size, label: name };
  }
  return { mask: Uint8Array.from(label, (l) => (best.size && l === best.label ? 1 : 0)), size: best.size, above };
}

/** A coarser grid for the screen: each cell the median of those it stands for, so that many tries don't brighten it. */
export function pooled({ buys, sells }, values, most) {
  const [bx, by] = [Math.ceil(buys.length / most), Math.ceil(sells.length / most)];
  const [width, height] = [Math.ceil(buys.length / bx), Math.ceil(sells.length / by)];
  if (bx === 1 && by === 1) return { width, height, bx, by, values };
  const out = new Float64Array(width * height);
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      const inside = [];
      for (let i = x * bx; i < Math.min(buys.length, (x + 1) * bx); i++)
        for (let j = y * by; j < Math.min(sells.length, (y + 1) * by); j++) {
          const value = values[i * sells.length + j];
          if (!Number.isNaN(value)) inside.push(value);
        }
      out[x * height + y] = inside.length ? median(inside) : Number.NaN;
    }
  return { width, height, bx, by, values: out };
}
