/**
 * Which opcode forms a user program can execute with a result that is the architecture's and not the
 * machine's: all but those that ask for what differs from machine to machine (CPUID, RDTSC, descriptor
 * tables under UMIP), enter the kernel (SYSENTER), or belong to features that no model has.
 */
import { decode } from '../../../emulator/cpu/decode/decoder.ts';
import { opcodeForms, type OpcodeForm } from '../../../emulator/cpu/decode/opcode-map.ts';
import { AT, CODE, SELECTOR } from './record.ts';

const FEATURES: ReadonlySet<string> = new Set(['fpu', 'cx8', 'cmov', 'msr', 'mmx', 'fxsr', 'sse', 'sse2', 'sse3', 'clflush']); // prettier-ignore

/** Mnemonics that are left out, each with the reason; the coverage table shows it. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  cpuid: 'tells the host’s own model',
  rdtsc: 'never the same',
  rdpmc: 'the host’s counters',
  sysenter: 'enters the host’s kernel',
  rsm: 'only in system-management mode',
  sgdt: 'UMIP of the host',
  sidt: 'UMIP of the host',
  sldt: 'UMIP of the host',
  str: 'UMIP of the host',
  smsw: 'UMIP of the host',
  vmcall: 'leaves for the host’s hypervisor',
  vmmcall: 'leaves for the host’s hypervisor',
  ...Object.fromEntries(
    [
      ...['vmlaunch', 'vmresume', 'vmxoff', 'vmxon', 'vmclear', 'vmptrld', 'vmptrst', 'vmread'],
      ...['vmwrite', 'invept', 'invvpid', 'vmrun', 'vmload', 'vmsave', 'stgi', 'clgi', 'skinit'],
      'invlpga',
    ].map((mnemonic) => [mnemonic, 'an instruction of hypervisors']),
  ),
};

/** The forms that are executed natively. */
export const nativeForms: readonly OpcodeForm[] = opcodeForms.filter(({ row }) => {
  if (LEFT_OUT[row.mnemonic] !== undefined) return false;
  return row.feature === undefined || FEATURES.has(row.feature);
});

const byRow = new Map(opcodeForms.map((form) => [form.row, form]));

/** The form of a record's instruction; undefined where LOCK made it invalid. */
export function formOf(start: DataView): OpcodeForm | undefined {
  const code16 = start.getUint16(AT.SELECTORS + 2, true) === SELECTOR.CODE16;
  const length = start.getUint8(AT.LENGTH);
  const code = new Uint8Array(start.buffer, start.byteOffset + AT.CODE, length);
  const instruction = decode(code, CODE, { defaultSize: code16 ? 2 : 4 });
  return typeof instruction === 'string' ? undefined : byRow.get(instruction.row);
}
