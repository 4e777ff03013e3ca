/**
 * Names that expressions have from a Linux kernel: `current`, per_cpu(runqueues, 1), this_cpu(runqueues),
 * syscall(eax). Each becomes a tree of the machine's language, so a condition on current->pid runs in the
 * machine.
 */
import { U32 } from '../../emulator/expressions/integers.ts';
import { ExpressionError, type Syntax } from '../../emulator/expressions/syntax.ts';
import type { Written, WrittenNode } from '../../emulator/expressions/written.ts';
import type { SystemNames } from '../typed/program-names.ts';
import { inMemory } from '../typed/storage.ts';
import { binary, cast, constant, memoryAt } from '../typed/trees.ts';
import { object, plain, type Typed, typedValue } from '../typed/typed.ts';
import { pointerTo } from '../typed/types.ts';
import { copyTree, currentTree, ownCopyTree } from './current.ts';
import { KernelError } from './kernel-memory.ts';
import type { KernelNames } from './kernel-names.ts';
import { perCpuSymbol } from './per-cpu.ts';

export function linuxNames(names: KernelNames): SystemNames {
  return {
    name(name, at) {
      const layout = name === 'current' ? names.layout('struct task_struct') : null;
      if (layout === null) return null;
      return said(at, () => typedValue(pointerTo(layout.type), { ...currentTree(names), at }));
    },
    call: (written, value) => said(written.at, () => callOf(names, written, value)),
    list: () => ['current'],
  };
}

function callOf(
  names: KernelNames,
  { name, operands: [first, second], at }: WrittenNode<'call'>,
  value: (operand: Written) => Syntax,
): Typed | null {
  if (first === undefined) return null;
  switch (name) {
    case 'this_cpu': {
      const variable = wordOf(first);
      return variableAt(names, variable, ownCopyTree(names, variable), at);
    }
    case 'per_cpu': {
      const variable = wordOf(first);
      const cpu = second === undefined ? constant(0) : value(second);
      return variableAt(names, variable, copyTree(names, variable, cpu), at);
    }
    case 'syscall': {
      const table = names.symbol('sys_call_table');
      if (table === null) return null;
      const index = binary('<<', cast(value(first), U32), constant(2));
      const entry = cast(binary('+', constant(table.address, U32), index), U32);
      return plain({ kind: 'call', at, name: 'symbol', operands: [memoryAt(entry, U32)] });
    }
    default:
      return null;
  }
}

function variableAt(names: KernelNames, name: string, address: Syntax, at: number): Typed {
  const symbol = perCpuSymbol(names, name);
  const type = names.typeOfVariable(symbol.name);
  return type === null
    ? plain(memoryAt({ ...address, at }, U32))
    : object(type, inMemory({ ...address, at }), at);
}

/** Throws ExpressionError for anything but a name. */
function wordOf(written: Written): string {
  if (written.kind === 'word') return written.name;
  throw new ExpressionError('The name of a per-CPU variable is needed here.', written.at);
}

/** What is wrong with the kernel's symbols is told where the name stands. */
function said<Result>(at: number, make: () => Result): Result {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof KernelError) throw new ExpressionError(cause.message, at);
    throw cause;
  }
}
