/** Rows of the opcode tables by name, and which of them are the system's rather than a program's. */
import { opcodeForms, type OpcodeForm } from '../../emulator/cpu/decode/opcode-map.ts';
import { nativeForms } from '../vectors/forms/forms.ts';

/** "mov Rd,Cd": what a row is called where forms that differ in a register's number are one. */
export function nameOf({ row }: OpcodeForm): string {
  return `${row.mnemonic} ${row.operands}`.trim();
}

const SYSTEM_MEANINGS: ReadonlySet<string> = new Set([
  'mov-sreg', 'push-sreg', 'pop-sreg', 'load-far-pointer', 'ret-far', 'pushf', 'popf', 'cli', 'sti', 'sysenter',
  'sysexit', 'lar', 'lsl', 'verr', 'verw', 'arpl', 'smsw', 'int', 'int3', 'into', 'bound', 'fxsave', 'fxrstor',
]); // prettier-ignore

/** Names of the rows whose meaning is more than what a program at CPL 3 can see, or that have no vectors. */
export const systemRows: ReadonlySet<string> = new Set(
  opcodeForms
    .filter((form) => {
      const { meaning, privilege, intercept } = form.row;
      if (privilege !== undefined || intercept !== undefined) return true;
      return !nativeForms.includes(form) || SYSTEM_MEANINGS.has(meaning ?? '');
    })
    .map(nameOf),
);
