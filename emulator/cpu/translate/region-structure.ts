/**
 * The control flow of a region as WebAssembly can say it: sequences of blocks and loops, in an order in
 * which every jump that stays within a sequence goes forward. A loop is a strongly connected component;
 * its headers are where it is entered, and jumps to them begin the next turn. A loop that is entered at
 * several places has several headers and chooses among them at each turn.
 */

export type Item =
  | { readonly kind: 'block'; readonly nodes: readonly [number] }
  | {
      readonly kind: 'loop';
      readonly nodes: readonly number[];
      readonly headers: readonly number[];
      readonly items: readonly Item[];
    };

/**
 * @param successors of each node, by number
 * @param entries nodes at which the region may be entered from outside
 */
export function structure(
  successors: readonly (readonly number[])[],
  entries: ReadonlySet<number>,
): readonly Item[] {
  const all = successors.map((_, node) => node);
  return arrange(successors, all, entries, new Set());
}

/** Headers of all loops. */
export function loopHeaders(items: readonly Item[]): readonly number[] {
  return items.flatMap((item) =>
    item.kind === 'loop' ? [...item.headers, ...loopHeaders(item.items)] : [],
  );
}

/** @param closed headers of the loops around, to which no jump goes forward */
function arrange(
  successors: readonly (readonly number[])[],
  nodes: readonly number[],
  entries: ReadonlySet<number>,
  closed: ReadonlySet<number>,
): readonly Item[] {
  const members = new Set(nodes);
  const next = (node: number): readonly number[] =>
    successors[node].filter((to) => members.has(to) && !closed.has(to));
  const components = stronglyConnected(nodes, next);
  return components.map((component): Item => {
    const [only] = component;
    if (component.length === 1 && !next(only).includes(only)) {
      return { kind: 'block', nodes: [only] };
    }
    const inside = new Set(component);
    const entered = new Set<number>();
    for (const node of component) if (entries.has(node)) entered.add(node);
    for (const node of nodes) {
      if (!inside.has(node)) for (const to of next(node)) if (inside.has(to)) entered.add(to);
    }
    const headers = entered.size > 0 ? [...entered] : [only];
    const within = new Set([...closed, ...headers]);
    const items = arrange(successors, component, new Set(headers), within);
    return { kind: 'loop', nodes: component, headers, items };
  });
}

/** Tarjan's algorithm; components in topological order. */
function stronglyConnected(
  nodes: readonly number[],
  next: (node: number) => readonly number[],
): readonly (readonly number[])[] {
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const waiting = new Set<number>();
  const stack: number[] = [];
  const found: number[][] = [];
  const visit = (node: number): number => {
    const own = index.size;
    let lowest = own;
    index.set(node, own);
    stack.push(node);
    waiting.add(node);
    for (const to of next(node)) {
      const seen = index.get(to);
      if (seen === undefined) lowest = Math.min(lowest, visit(to));
      else if (waiting.has(to)) lowest = Math.min(lowest, low.get(to) ?? seen);
    }
    low.set(node, lowest);
    if (lowest === own) {
      const component = stack.splice(stack.indexOf(node));
      for (const member of component) waiting.delete(member);
      found.push(component);
    }
    return lowest;
  };
  for (const node of nodes) if (!index.has(node)) visit(node);
  return found.reverse();
}
