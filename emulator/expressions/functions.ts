/** Functions of expressions, one row each: how they are written and what they give. */

export interface FunctionRow {
  readonly usage: string;
  readonly meaning: string;
  /** Least and greatest number of operands. */
  readonly operands: readonly [number, number];
  /** Written with brackets, like an array. */
  readonly subscript?: true;
  /** Takes types and names of members. */
  readonly ofTypes?: true;
  /** Known from the symbols of the guest's operating system alone; the machine does not compute it. */
  readonly ofSystem?: true;
}

// prettier-ignore
export const FUNCTIONS = new Map<string, FunctionRow>([
  ['translate', { usage: 'translate(address)',       operands: [1, 1], meaning: 'the guest-physical address of a linear one, or -1 where none is mapped' }],
  ['symbol',    { usage: 'symbol(address)',          operands: [1, 1], meaning: 'an address, shown as the nearest symbol at or below it' }],
  ['string',    { usage: 'string(address[, limit])', operands: [1, 2], meaning: 'the text at a linear address up to its NUL' }],
  ['bit',       { usage: 'bit(value, number)',       operands: [2, 2], meaning: 'one bit of a value' }],
  ['bits',      { usage: 'bits(value, high, low)',   operands: [3, 3], meaning: 'the bits high to low of a value' }],
  ['min',       { usage: 'min(a, b)',                operands: [2, 2], meaning: 'the smaller one' }],
  ['max',       { usage: 'max(a, b)',                operands: [2, 2], meaning: 'the greater one' }],
  ['abs',       { usage: 'abs(value)',               operands: [1, 1], meaning: 'the value without its sign' }],
  ['msr',       { usage: 'msr[index]',               operands: [1, 1], meaning: 'a model-specific register by its index', subscript: true }],
  ['sizeof',       { usage: 'sizeof(TYPE or value)',               operands: [1, 1], meaning: 'how many bytes a type or a variable has', ofTypes: true }],
  ['offsetof',     { usage: 'offsetof(TYPE, member)',              operands: [2, 2], meaning: 'bytes from the start of a type to one of its members', ofTypes: true }],
  ['container_of', { usage: 'container_of(pointer, TYPE, member)', operands: [3, 3], meaning: 'what holds the member that the pointer points to', ofTypes: true }],
  ['per_cpu',      { usage: 'per_cpu(name, cpu)',  operands: [2, 2], meaning: 'a CPU’s copy of a per-CPU variable of Linux', ofSystem: true }],
  ['this_cpu',     { usage: 'this_cpu(name)',      operands: [1, 1], meaning: 'the own copy of the CPU that executes', ofSystem: true }],
  ['syscall',      { usage: 'syscall(number)',     operands: [1, 1], meaning: 'the function of a system call of Linux, shown as its symbol', ofSystem: true }],
]);
