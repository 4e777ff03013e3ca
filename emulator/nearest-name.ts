/**
 * "Did you mean …?": the known name closest to a mistyped one, for error sentences. Optimal string
 * alignment distance (insert, delete, replace, swap neighbours), case ignored.
 */

/** Longer words are no typing mistakes; it also bounds the work for hostile input. */
const LONGEST = 64;

function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        previous[column] + 1,
        current[column - 1] + 1,
        previous[column - 1] + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2];
      if (swapped && a[row - 2] === b[column - 1]) best = Math.min(best, before[column - 2] + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length];
}

/** The candidate nearest to `word`, or null when none is near enough to be meant. */
export function nearestName(word: string, candidates: Iterable<string>): string | null {
  if (word.length === 0 || word.length > LONGEST) return null;
  const wanted = word.toLowerCase();
  let best: string | null = null;
  // a third of the letters may be wrong
  let bound = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bound) continue;
    const found = distance(wanted, candidate.toLowerCase());
    if (found < bound) {
      bound = found;
      best = candidate;
    }
  }
  return best;
}

/** " Did you mean 'cpuid'?" with its leading space, or "" when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = nearestName(word, candidates);
  return near === null ? '' : ` Did you mean '${near}'?`;
}
