/**
 * Two-byte opcodes 0F xx of IA-32 (SDM vol. 2, appendix A.3, table A-3) without MMX and SSE
 * (opcodes-simd.ts) and without the groups (opcodes-groups.ts). Notation: opcode-line.ts; letters:
 * operand-letters.ts. Absent, hence #UD: MOV to and from the test registers of the 486, and 3DNow!. What
 * came after SSE3 is in opcodes-later.ts.
 */
import { EXCEPTION, LOCK } from './opcode-line.ts';
import type { OpcodeColumns, OpcodeLine } from './opcode-line.ts';

/** What came with the P6 family and has no feature of its own; CMOV came with it too. */
const P6 = { feature: 'cmov' } as const satisfies OpcodeColumns;

// prettier-ignore
export const twoByteOpcodes = [
  // encoding     mnemonic      operands       meaning
  ['0f 02',        'lar',        'Gv,Ew',       'lar'],
  ['0f 03',        'lsl',        'Gv,Ew',       'lsl'],
  ['0f 06',        'clts',       '',            'clts',       { privilege: 0, intercept: 'CR_ACCESS' }],
  ['0f 08',        'invd',       '',            'invd',       { privilege: 0, intercept: 'INVD' }],
  ['0f 09',        'wbinvd',     '',            'wbinvd',     { privilege: 0, intercept: 'WBINVD' }],
  ['0f 0b',        'ud2',        '',            'ud',         EXCEPTION],
  // Hints: AMD's PREFETCH group, Intel's NOP space 0F 18 to 0F 1F.
  ['0f 0d',        'nop',        'Ev',          'hint-nop',   P6],
  ['0f 0d /0',     'prefetch',   'Mb',          'hint-nop',   P6],
  ['0f 0d /1',     'prefetchw',  'Mb',          'hint-nop',   P6],
  ['0f 18',        'nop',        'Ev',          'hint-nop',   P6],
  ['0f 18 /0',     'prefetchnta', 'Mb',          'hint-nop',   P6],
  ['0f 18 /1',     'prefetcht0', 'Mb',          'hint-nop',   P6],
  ['0f 18 /2',     'prefetcht1', 'Mb',          'hint-nop',   P6],
  ['0f 18 /3',     'prefetcht2', 'Mb',          'hint-nop',   P6],
  ['0f 19',        'nop',        'Ev',          'hint-nop',   P6],
  ['0f 1a',        'nop',        'Ev',          'hint-nop',   P6],
  ['0f 1b',        'nop',        'Ev',          'hint-nop',   P6],
  ['0f 1c',        'nop',        'Ev',          'hint-nop',   P6],
  ['0f 1d',        'nop',        'Ev',          'hint-nop',   P6],
  ['0f 1e',        'nop',        'Ev',          'hint-nop',   P6],
  ['f3 0f 1e fa',  'endbr64',    '',            'hint-nop',   P6],
  ['f3 0f 1e fb',  'endbr32',    '',            'hint-nop',   P6],
  ['0f 1f',        'nop',        'Ev',          'hint-nop',   P6],
  ['0f 20',        'mov',        'Rd,Cd',       'mov-cr',     { privilege: 0, intercept: 'CR_ACCESS' }],
  ['0f 21',        'mov',        'Rd,Dd',       'mov-dr',     { privilege: 0, intercept: 'DR_ACCESS' }],
  ['0f 22',        'mov',        'Cd,Rd',       'mov-cr',     { privilege: 0, intercept: 'CR_ACCESS' }],
  ['0f 23',        'mov',        'Dd,Rd',       'mov-dr',     { privilege: 0, intercept: 'DR_ACCESS' }],
  ['0f 30',        'wrmsr',      '',            'wrmsr',      { feature: 'msr', privilege: 0, intercept: 'WRMSR' }],
  ['0f 31',        'rdtsc',      '',            'rdtsc',      { feature: 'tsc', intercept: 'RDTSC' }],
  ['0f 32',        'rdmsr',      '',            'rdmsr',      { feature: 'msr', privilege: 0, intercept: 'RDMSR' }],
  ['0f 33',        'rdpmc',      '',            'rdpmc',      { feature: 'cmov', intercept: 'RDPMC' }],
  ['0f 34',        'sysenter',   '',            'sysenter',   { feature: 'sep' }],
  ['0f 35',        'sysexit',    '',            'sysexit',    { feature: 'sep', privilege: 0 }],
  ['0f 40+cc',     'cmov',       'Gv,Ev',       'cmovcc',     { feature: 'cmov' }],
  ['0f 80+cc',     'j',          'Jz',          'jcc'],
  ['0f 90+cc',     'set',        'Eb',          'setcc'],
  ['0f a0',        'push',       'FS',          'push-sreg'],
  ['0f a1',        'pop',        'FS',          'pop-sreg'],
  ['0f a2',        'cpuid',      '',            'cpuid',      { intercept: 'CPUID' }],
  ['0f a3',        'bt',         'Ev,Gv',       'bt'],
  ['0f a4',        'shld',       'Ev,Gv,Ib',    'shld'],
  ['0f a5',        'shld',       'Ev,Gv,CL',    'shld'],
  ['0f a8',        'push',       'GS',          'push-sreg'],
  ['0f a9',        'pop',        'GS',          'pop-sreg'],
  ['0f aa',        'rsm',        '',            'rsm',        { intercept: 'RSM' }],
  ['0f ab',        'bts',        'Ev,Gv',       'bts',        LOCK],
  ['0f ac',        'shrd',       'Ev,Gv,Ib',    'shrd'],
  ['0f ad',        'shrd',       'Ev,Gv,CL',    'shrd'],
  ['0f af',        'imul',       'Gv,Ev',       'imul'],
  ['0f b0',        'cmpxchg',    'Eb,Gb',       'cmpxchg',    LOCK],
  ['0f b1',        'cmpxchg',    'Ev,Gv',       'cmpxchg',    LOCK],
  ['0f b2',        'lss',        'Gv,Mp,SS',    'load-far-pointer'],
  ['0f b3',        'btr',        'Ev,Gv',       'btr',        LOCK],
  ['0f b4',        'lfs',        'Gv,Mp,FS',    'load-far-pointer'],
  ['0f b5',        'lgs',        'Gv,Mp,GS',    'load-far-pointer'],
  ['0f b6',        'movzx',      'Gv,Eb',       'movzx'],
  ['0f b7',        'movzx',      'Gv,Ew',       'movzx'],
  ['0f b9',        'ud1',        'Gv,Ev',       'ud',         EXCEPTION],
  ['0f bb',        'btc',        'Ev,Gv',       'btc',        LOCK],
  ['0f bc',        'bsf',        'Gv,Ev',       'bsf'],
  ['0f bd',        'bsr',        'Gv,Ev',       'bsr'],
  ['0f be',        'movsx',      'Gv,Eb',       'movsx'],
  ['0f bf',        'movsx',      'Gv,Ew',       'movsx'],
  ['0f c0',        'xadd',       'Eb,Gb',       'xadd',       LOCK],
  ['0f c1',        'xadd',       'Ev,Gv',       'xadd',       LOCK],
  ['0f c8+r',      'bswap',      'Zv',          'bswap'],
  ['0f ff',        'ud0',        'Gv,Ev',       'ud',         EXCEPTION],
] as const satisfies readonly OpcodeLine[];
