/**
 * Prints one line for each form of the SIMD opcode tables, from which make-vectors.c makes cases:
 *
 *   prefix opcode digit kind register rm immediate size alignment mnemonic
 *
 * prefix 0, 66, f3, f2; digit or -1 for a register in the reg field; kind r (ModRM names registers), m
 * (memory) or n (no ModRM); register and rm tell the register files (x XMM, m MMX, g general, - none), size
 * the bytes of memory.
 *
 *   npx tsx forms.ts > forms.txt
 */
import { opcodeForms, type OpcodeForm } from '../../../emulator/cpu/decode/opcode-map.ts';
import { simdOpcodes } from '../../../emulator/cpu/decode/opcodes-simd.ts';

/** Rows of the groups that belong here: MXCSR, the state image, fences. */
const ALSO = ['fxsave', 'fxrstor', 'ldmxcsr', 'stmxcsr', 'lfence', 'mfence', 'sfence', 'clflush'];
const mnemonics: ReadonlySet<string> = new Set([...ALSO, ...simdOpcodes.map(([, name]) => name)]);
const features: ReadonlySet<string> = new Set(['mmx', 'sse', 'sse2', 'sse3', 'fxsr', 'clflush']);

// prettier-ignore
const SIZES: Readonly<Record<string, number>> = {
  b: 1, w: 2, d: 4, ss: 4, q: 8, sd: 8, pi: 8, dq: 16, ps: 16, pd: 16, '512byte': 512,
};
/** 16-byte operands that may lie anywhere. */
const UNALIGNED = new Set(['movups', 'movupd', 'movdqu', 'lddqu']);

function file(letter: string): string {
  if ('VUW'.includes(letter)) return 'x';
  if ('PNQ'.includes(letter)) return 'm';
  return 'GER'.includes(letter) ? 'g' : '-';
}

function linesOf({ row, prefix, opcode, digit, modrm, form }: OpcodeForm): string[] {
  const codes = row.operands === '' ? [] : row.operands.split(',');
  const inReg = codes.find((code) => 'VPG'.includes(code.charAt(0)));
  const inRm = codes.find((code) => 'WUQNERM'.includes(code.charAt(0)) || /^m\d/.test(code));
  const immediate = codes.includes('Ib') ? 1 : 0;
  const memory = /M(\w+)$/.exec(inRm ?? '')?.[1] ?? inRm?.slice(1) ?? '';
  const start = [typeof prefix === 'string' ? '0' : prefix.toString(16), opcode.toString(16)];
  const line = (kind: string, size: number): string => {
    const aligned = size === 512 || (size === 16 && !UNALIGNED.has(row.mnemonic)) ? 16 : 1;
    const fixed = modrm >= 0 ? modrm : digit;
    return [...start, fixed, kind, file(inReg?.charAt(0) ?? '-'), file(inRm?.charAt(0) ?? '-'), immediate, size, aligned, row.mnemonic].join(' '); // prettier-ignore
  };
  if (inRm === undefined) return [line('n', 0)];
  const lines: string[] = [];
  if (form !== 'memory' && !/^[Mm]/.test(inRm)) lines.push(line('r', 0));
  if (form !== 'register') lines.push(line('m', SIZES[memory] ?? 0));
  return lines;
}

const wanted = opcodeForms.filter(
  ({ row }) =>
    row.meaning !== null && mnemonics.has(row.mnemonic) && features.has(row.feature ?? ''),
);
console.log(wanted.flatMap(linesOf).join('\n'));
