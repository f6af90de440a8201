// Rows that differ only in what they name are one group: flagged records by why, failed jobs by their reason.

const QUOTED_OR_FIGURES = /"[^"]*"|“[^”]*”|'[^']*'|\d[\d.,:-]*/g;

/** A reason without what it quotes, its figures and a name that stands in it as a word. */
export function plainly(reason, name) {
  const literally = name?.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const unnamed = name ? reason.replace(new RegExp(`(?<![\\p{L}\\p{N}])${literally}(?![\\p{L}\\p{N}])`, "gu"), "…") : reason;
  return unnamed.replace(QUOTED_OR_FIGURES, "…");
}

/** Groups by a key, the largest first. */
export function gather(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    if (groups.has(key)) groups.get(key).push(row);
    else groups.set(key, [row]);
  }
  return [...groups].sort(([, a], [, b]) => b.length - a.length);
}
