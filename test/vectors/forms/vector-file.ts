export function choose(...args: unknown[]): never { throw new Error(String(args)); }
export function writeVectors(x: never): string { return x; }
