/**
 * The shapes whose handlers live in the interpreter's main function, chosen by how often they are
 * executed: samples of a boot of Debian's 6.1 -686 kernel, decompression included, and the integer loops
 * of test/bench. They cover 98 % of what is executed there. More is not better: with three times as many
 * the compiler's register allocation made the common ones slower by a third. Flat segments and 32-bit
 * operand sizes only; a shape is its meaning, for some its condition, and its operands.
 */
import type { Shape } from './shape.ts';

// prettier-ignore
const HOT: ReadonlySet<string> = new Set([
  'mov r4,r4', 'mov r4,i', 'mov r4,b4', 'mov r4,x4', 'mov r4,s4', 'mov b4,r4', 'mov x4,r4', 'mov b4,i', 'mov r1,b1', 'mov r1,x1',
  'mov b1,r1', 'mov x1,r1', 'mov b2,r2', 'mov r2,b2', 'movzx r4,r1', 'movzx r4,b1', 'movzx r4,x1', 'movzx r4,r2', 'movzx r4,b2',
  'movzx r4,x2', 'lea r4,b4', 'lea r4,x4', 'push r4', 'pop r4',
  'add r4,r4', 'add r4,i', 'add r4,b4', 'add r4,x4', 'add b4,r4', 'adc r4,r4', 'adc r4,i', 'sub r4,r4', 'sub r4,i', 'sub r4,b4',
  'sbb r4,r4', 'sbb r4,b4', 'cmp r4,r4', 'cmp r4,i', 'cmp r4,b4', 'cmp b4,r4', 'cmp b4,i', 'cmp r1,i', 'cmp r1,r1', 'cmp b1,i',
  'and r4,r4', 'and r4,i', 'and r4,b4', 'or r4,r4', 'xor r4,r4', 'xor r4,x4', 'xor r1,b1', 'test r4,r4', 'test r1,r1', 'test r1,i', 'test b1,i',
  'inc r4', 'inc b4', 'inc s4', 'dec r4', 'dec b4', 'dec s4',
  'imul r4,r4', 'imul r4,r4,i', 'shl r4,i', 'shl r4,c', 'shr r4,i', 'shr r4,c', 'sar r4,i', 'rol r4,i', 'setcc/2 r1', 'cmovcc/2 r4,r4', 'cmovcc/3 r4,b4',
  'jmp j', 'jmp x4', 'call j', 'call b4', 'ret ', 'leave ', 'nop ',
  'jcc/2 j', 'jcc/3 j', 'jcc/4 j', 'jcc/5 j', 'jcc/6 j', 'jcc/7 j', 'jcc/8 j', 'jcc/9 j', 'jcc/12 j', 'jcc/13 j', 'jcc/14 j', 'jcc/15 j',
]);

export function isHot({ meaning, condition, operands, operandSize, stack }: Shape): boolean {
  if (operandSize === 2 || (stack !== null && stack !== 'flat')) return false;
  const name = condition < 0 ? meaning : `${meaning}/${String(condition)}`;
  return HOT.has(`${name} ${operands.join(',')}`);
}
