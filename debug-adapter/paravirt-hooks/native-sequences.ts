/**
 * The instructions that a kernel puts in the place of a call where an operation is what the hardware does
 * (native_patch() of arch/i386/kernel/paravirt.c in 2.6.20, paravirt_patch_32.c to 5.2, `patch_data` to
 * 5.17, alternatives since), and what it fills the rest of the place with: the forms that the SDM (NOP)
 * and the GNU assembler recommend, and those of arch/x86/include/asm/nops.h by processor.
 * Registers are those of the calling convention: the argument in EAX, the value in EAX or EDX:EAX.
 */

interface NativeSequence {
  /** Members of the tables, by the names of all releases. */
  readonly operations: readonly string[];
  readonly bytes: readonly number[];
  readonly text: string;
}

// prettier-ignore
const SEQUENCES = [
  { operations: ['irq_disable'],            bytes: [0xfa],             text: 'cli' },
  { operations: ['irq_enable'],             bytes: [0xfb],             text: 'sti' },
  { operations: ['save_fl'],                bytes: [0x9c, 0x58],       text: 'pushf; pop eax' },
  { operations: ['save_fl', 'irq_disable'], bytes: [0x9c, 0x58, 0xfa], text: 'pushf; pop eax; cli' },
  { operations: ['restore_fl'],             bytes: [0x50, 0x9d],       text: 'push eax; popf' },
  { operations: ['iret'],                   bytes: [0xcf],             text: 'iret' },
  { operations: ['irq_enable_sysexit'],     bytes: [0xfb, 0x0f, 0x35], text: 'sti; sysexit' },
  { operations: ['irq_enable_syscall_ret'], bytes: [0xfb, 0x0f, 0x35], text: 'sti; sysexit' },
  { operations: ['read_cr0'],               bytes: [0x0f, 0x20, 0xc0], text: 'mov eax, cr0' },
  { operations: ['write_cr0'],              bytes: [0x0f, 0x22, 0xc0], text: 'mov cr0, eax' },
  { operations: ['read_cr2'],               bytes: [0x0f, 0x20, 0xd0], text: 'mov eax, cr2' },
  { operations: ['read_cr3'],               bytes: [0x0f, 0x20, 0xd8], text: 'mov eax, cr3' },
  { operations: ['write_cr3'],              bytes: [0x0f, 0x22, 0xd8], text: 'mov cr3, eax' },
  { operations: ['clts'],                   bytes: [0x0f, 0x06],       text: 'clts' },
  { operations: ['read_tsc'],               bytes: [0x0f, 0x31],       text: 'rdtsc' },
  { operations: ['wbinvd'],                 bytes: [0x0f, 0x09],       text: 'wbinvd' },
  { operations: ['flush_tlb_single'],       bytes: [0x0f, 0x01, 0x38], text: 'invlpg [eax]' },
  { operations: ['queued_spin_unlock'],     bytes: [0xc6, 0x00, 0x00], text: 'mov byte [eax], 0' },
  { operations: ['vcpu_is_preempted'],      bytes: [0x31, 0xc0],       text: 'xor eax, eax' },
] as const satisfies readonly NativeSequence[];

/** What does nothing, longest first where one begins like another. */
// prettier-ignore
const NOPS = [
  [0x90],
  [0x66, 0x90],
  [0x66, 0x66, 0x90],
  [0x66, 0x66, 0x66, 0x90],
  [0x89, 0xf6],                                     // mov esi, esi
  [0x8b, 0xc0],                                     // mov eax, eax
  [0x89, 0xc0],
  [0x8d, 0x04, 0x20],                               // lea eax, [eax]
  [0x8d, 0x44, 0x20, 0x00],
  [0x8d, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x8d, 0x04, 0x05, 0x00, 0x00, 0x00, 0x00],
  [0x8d, 0x76, 0x00],                               // lea esi, [esi]
  [0x8d, 0x74, 0x26, 0x00],
  [0x3e, 0x8d, 0x74, 0x26, 0x00],
  [0x8d, 0xb6, 0x00, 0x00, 0x00, 0x00],
  [0x8d, 0xb4, 0x26, 0x00, 0x00, 0x00, 0x00],
  [0x3e, 0x8d, 0xb4, 0x26, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x00],                               // nop m32
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
] as const;
/** jmp rel8, over what is left. */
const JMP_SHORT = 0xeb;

/** Whether nothing but instructions without an effect stands from there to the end. */
export function isNothing(bytes: Uint8Array, from = 0): boolean {
  let at = from;
  while (at < bytes.length) {
    if (bytes[at] === JMP_SHORT && at + 2 + (bytes[at + 1] ?? 0) === bytes.length) return true;
    const nop = NOPS.find((form) => beginsWith(bytes, form, at));
    if (nop === undefined) return false;
    at += nop.length;
  }
  return true;
}

/** What the instructions say, if they are the hardware's own for these operations, then nothing; else null. */
export function nativeText(bytes: Uint8Array, members: readonly string[]): string | null {
  const found = SEQUENCES.find(
    ({ operations, bytes: form }) =>
      operations.length === members.length &&
      operations.every((operation) => members.includes(operation)) &&
      beginsWith(bytes, form, 0) &&
      isNothing(bytes, form.length),
  );
  return found?.text ?? null;
}

/** Labels before the instructions of 2.6.20, whose names are not those of the operations. */
const FIRST_LABELS: { readonly [member: string]: string } = {
  irq_disable: 'start_cli',
  irq_enable: 'start_sti',
  restore_fl: 'start_popf',
  save_fl: 'start_pushf',
  iret: 'start_iret',
  irq_enable_sysexit: 'start_sti_sysexit',
};
/** Where 5.0 to 5.17 keep all instructions. */
const PATCH_DATA = ['patch_data_xxl', 'patch_data_lock'];

/**
 * Symbols of which one tells that a kernel has instructions to put in the place of an operation: labels
 * before them to 4.20, tables of them to 5.17. Later kernels have alternatives at the places instead.
 */
export function symbolsOfSequence(group: string, member: string): readonly string[] {
  const isKnown = SEQUENCES.some(({ operations }) => operations.length === 1 && operations[0] === member); // prettier-ignore
  if (!isKnown) return [];
  const first = FIRST_LABELS[member];
  return [
    `start_${group}_${member}`,
    `start_pv_${group}_ops_${member}`,
    ...(first === undefined ? [] : [first]),
    ...PATCH_DATA,
  ];
}

export function beginsWith(bytes: Uint8Array, form: ArrayLike<number>, at: number): boolean {
  if (at + form.length > bytes.length) return false;
  for (let index = 0; index < form.length; index++)
    if (bytes[at + index] !== form[index]) return false;
  return true;
}
