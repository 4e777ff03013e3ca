/**
 * Expressions for the fake machine: names, numbers, == != < > + - && ||, from left to right without
 * precedence except that && and || come last. Stands in for the emulator's condition.ts.
 */
export class ToyConditionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConditionError';
  }
}

const TOKEN = /\s*(0x[0-9a-f]+|\d+|[a-z_]\w*|==|!=|&&|\|\||[<>+-])/iy;

export function evaluateToy(source: string, names: { readonly [name: string]: number }): number {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.trimEnd().length) {
    const match = TOKEN.exec(source);
    if (match?.[1] === undefined)
      throw new ToyConditionError(`"${source}" is no expression; write for example "eax == 1".`);
    tokens.push(match[1]);
  }
  const operand = (): number => {
    const token = tokens.shift();
    if (token === undefined) throw new ToyConditionError(`"${source}" ends too early.`);
    if (/^\d/.test(token)) return Number(token);
    const value = names[token.toLowerCase()];
    if (value === undefined) throw new ToyConditionError(`There is no "${token}" here.`);
    return value;
  };
  const comparison = (): number => {
    let left = operand();
    while (tokens[0] !== undefined && tokens[0] !== '&&' && tokens[0] !== '||') {
      const operator = tokens.shift() ?? '';
      const right = operand();
      if (operator === '==') left = Number(left === right);
      else if (operator === '!=') left = Number(left !== right);
      else if (operator === '<') left = Number(left < right);
      else if (operator === '>') left = Number(left > right);
      else if (operator === '+') left = (left + right) >>> 0;
      else if (operator === '-') left = (left - right) >>> 0;
      else throw new ToyConditionError(`"${operator}" is not expected in "${source}".`);
    }
    return left;
  };
  let value = comparison();
  while (tokens.length > 0) {
    const operator = tokens.shift();
    const right = comparison();
    value = Number(operator === '&&' ? value !== 0 && right !== 0 : value !== 0 || right !== 0);
  }
  return value;
}
