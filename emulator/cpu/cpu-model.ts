/**
 * Processor models: what CPUID says (SDM vol. 2, "CPUID") and which features the decoder accepts. A
 * model advertises only what cpu/instructions implements, and what it does not advertise raises #UD.
 * No model has the serial number (leaf 3).
 *
 * Leaf 1: EAX 13..12 type | 11..8 family | 7..4 model | 3..0 stepping; EBX 15..8 CLFLUSH line in units of
 * eight bytes; ECX and EDX the feature bits below. The brand string (leaves 0x80000002 to 0x80000004) is
 * newer than some of these processors; it is there because guests show it.
 */

export interface CpuidResult {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

export interface CpuModel {
  readonly name: string;
  /** Feature names as in the opcode rows ("cmov", "cx8", "tsc"). */
  readonly features: ReadonlySet<string>;
  /** Native CPUID, without a hypervisor's changes. */
  cpuid(leaf: number, subleaf: number): CpuidResult;
}

/** Bits of CPUID.1:EDX (SDM vol. 2, table 3-11). */
// prettier-ignore
export const FEATURE_BITS = {
  fpu: 0, vme: 1, de: 2, pse: 3, tsc: 4, msr: 5, pae: 6, mce: 7, cx8: 8, apic: 9, sep: 11, mtrr: 12, pge: 13,
  mca: 14, cmov: 15, pat: 16, pse36: 17, clflush: 19, mmx: 23, fxsr: 24, sse: 25, sse2: 26,
} as const;
/** Bits of CPUID.1:ECX (table 3-10), of CPUID.7.0 (table 3-8) and of CPUID.80000001h:EDX. */
// prettier-ignore
export const LATER_FEATURE_BITS = {
  ecx1:     { sse3: 0, monitor: 3, 'tsc-deadline': 24, rdrand: 30 },
  ebx7:     { 'tsc-adjust': 1, smep: 7, rdseed: 18, smap: 20 },
  ecx7:     { umip: 2 },
  extended: { nx: 20, rdtscp: 27 },
} as const;
type Later = typeof LATER_FEATURE_BITS;
type Feature = keyof typeof FEATURE_BITS | { [W in keyof Later]: keyof Later[W] }[keyof Later];

type Registers = readonly [eax: number, ebx: number, ecx: number, edx: number];

interface ModelRow {
  readonly name: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  readonly features: readonly Feature[];
  /** Cache and TLB descriptors of leaf 2 (table 3-12), where the processor has it. */
  readonly descriptors?: Registers;
  /** Leaf 4, one entry for each cache, where the processor has it. */
  readonly caches?: readonly Registers[];
  /** Leaves 0x80000005 to 0x80000008, where the processor has them. */
  readonly extended?: readonly Registers[];
  /** At most 47 characters. */
  readonly brand: string;
  /** What it is and has, in a sentence. */
  readonly summary: string;
}

const I486 = ['fpu', 'vme'] as const satisfies readonly Feature[];
const PENTIUM = [...I486, 'de', 'pse', 'tsc', 'msr', 'mce', 'cx8'] as const satisfies readonly Feature[]; // prettier-ignore
const P6 = [...PENTIUM, 'pae', 'apic', 'sep', 'mtrr', 'pge', 'mca', 'cmov', 'pat', 'mmx', 'fxsr', 'sse'] as const satisfies readonly Feature[]; // prettier-ignore
const PENTIUM3 = [...P6, 'pse36'] as const satisfies readonly Feature[];
const PENTIUM_M = [...P6, 'clflush', 'sse2', 'nx'] as const satisfies readonly Feature[];
const MAX = [
  ...PENTIUM_M,
  'pse36',
  'sse3',
  'tsc-deadline',
  'tsc-adjust',
  'smep',
  'smap',
  'umip',
  'rdtscp',
  'monitor',
  'rdrand',
  'rdseed',
] as const satisfies readonly Feature[];

/**
 * Descriptors, lowest byte first and 01 as the number of calls. Pentium III: instruction TLB 4 KiB (01) and
 * 4 MiB (02), data TLB (03, 04), caches 16 + 16 KiB (08, 0C), L2 256 KiB (82). Pentium M of 90 nm: TLBs
 * B0, B3, 02, 04, caches 32 + 32 KiB (30, 2C), L2 2 MiB (7D), 64-byte prefetch (F0).
 */
const COPPERMINE = [0x03020101, 0, 0, 0x0c040882] as const;
const DOTHAN = [0x02b3b001, 0x000000f0, 0, 0x2c04307d] as const;
/** Level and type, ways and line, sets: 32 KiB of data, 32 KiB of instructions, 2 MiB of both; 8 ways of 64 bytes. */
const CACHES = [
  [0x121, 0x01c0003f, 63, 0], [0x122, 0x01c0003f, 63, 0], [0x143, 0x01c0003f, 4095, 0],
] as const; // prettier-ignore
/** The L2 cache once more (0x80000006); 36 physical and 32 linear address bits (0x80000008). */
const EXTENDED_LEAVES = [
  [0, 0, 0, 0], [0, 0, 0x08006040, 0], [0, 0, 0, 0], [0x2024, 0, 0, 0],
] as const; // prettier-ignore

const MODEL_ROWS = [
  { name: '486',       family: 4, model: 8,  stepping: 0, features: I486,      brand: 'Guestscope 486',
    summary: 'i486DX4: x87 and virtual-8086 mode extensions.' },
  { name: 'pentium',   family: 5, model: 2,  stepping: 4, features: PENTIUM,   brand: 'Guestscope Pentium',
    summary: 'Pentium: with TSC, MSRs, CMPXCHG8B and 4 MiB pages; without MMX.' },
  { name: 'pentium3',  family: 6, model: 8,  stepping: 3, features: PENTIUM3,  brand: 'Guestscope Pentium III',
    descriptors: COPPERMINE,
    summary: 'Pentium III (Coppermine): with PAE, PSE-36, CMOV, SYSENTER, local APIC, MMX and SSE.' },
  { name: 'pentium-m', family: 6, model: 13, stepping: 8, features: PENTIUM_M, brand: 'Guestscope Pentium M',
    descriptors: DOTHAN,
    summary: 'Pentium M (Dothan): with SSE2, CLFLUSH and NX; without PSE-36.' },
  { name: 'max',       family: 6, model: 14, stepping: 8, features: MAX,       brand: 'Guestscope',
    descriptors: DOTHAN, caches: CACHES, extended: EXTENDED_LEAVES,
    summary: 'Everything that this processor can do, SSE3, SMEP, SMAP, UMIP, RDTSCP, MONITOR, RDRAND and RDSEED included.' },
] as const satisfies readonly ModelRow[]; // prettier-ignore

const NOTHING: CpuidResult = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
const EXTENDED = 0x80000000;
/** The third part of the brand string. */
const LAST_BRAND_LEAF = 0x80000004;
const STRUCTURED_FEATURES = 7;
/** MONITOR sees lines of 64 bytes; MWAIT has extensions, breaks on masked interrupts, and C1 alone (leaf 5). */
const MONITOR_LEAF: CpuidResult = { eax: 64, ebx: 64, ecx: 3, edx: 0x10 };
/** CLFLUSH flushes 64 bytes. */
const CLFLUSH_LINE = 8 << 8;

/** Four characters as CPUID returns them, the first in the low byte. */
function characters(text: string, at: number): number {
  let word = 0;
  for (let i = 3; i >= 0; i--) {
    const code = at + i < text.length ? text.charCodeAt(at + i) : 0;
    word = (word << 8) | (code & 0xff);
  }
  return word >>> 0;
}

function vendorLeaf(maximum: number): CpuidResult {
  const vendor = 'GenuineIntel';
  return {
    eax: maximum,
    ebx: characters(vendor, 0),
    edx: characters(vendor, 4),
    ecx: characters(vendor, 8),
  };
}

/** The bits of `names` that the row has. */
function bitsOf(names: { readonly [feature: string]: number }, { features }: ModelRow): number {
  const has = new Set<string>(features);
  const bits = Object.entries(names).filter(([feature]) => has.has(feature));
  return bits.reduce((word, [, bit]) => word | (1 << bit), 0) >>> 0;
}

function featureLeaf(row: ModelRow): CpuidResult {
  const { family, model, stepping } = row;
  const ecx = bitsOf(LATER_FEATURE_BITS.ecx1, row);
  const edx = bitsOf(FEATURE_BITS, row);
  const ebx = row.features.includes('clflush') ? CLFLUSH_LINE : 0;
  return { eax: (family << 8) | (model << 4) | stepping, ebx, ecx, edx };
}

function structuredLeaf(row: ModelRow, subleaf: number): CpuidResult {
  if (subleaf !== 0) return NOTHING;
  const { ebx7, ecx7 } = LATER_FEATURE_BITS;
  return { ...NOTHING, ebx: bitsOf(ebx7, row), ecx: bitsOf(ecx7, row) };
}

function registers(words: Registers | undefined): CpuidResult {
  if (words === undefined) return NOTHING;
  const [eax, ebx, ecx, edx] = words;
  return { eax, ebx, ecx, edx };
}

function brandLeaf(brand: string, leaf: number): CpuidResult {
  const at = (leaf - EXTENDED - 2) * 16;
  return {
    eax: characters(brand, at),
    ebx: characters(brand, at + 4),
    ecx: characters(brand, at + 8),
    edx: characters(brand, at + 12),
  };
}

/** A leaf that the processor has; there are basic ones up to `maximum`. */
function basicLeaf(row: ModelRow, maximum: number, leaf: number, subleaf: number): CpuidResult {
  switch (leaf) {
    case 0:
      return vendorLeaf(maximum);
    case 1:
      return featureLeaf(row);
    case 2:
      return registers(row.descriptors);
    case 4:
      return registers(row.caches?.[subleaf]);
    case 5:
      return row.features.includes('monitor') ? MONITOR_LEAF : NOTHING;
    case STRUCTURED_FEATURES:
      return structuredLeaf(row, subleaf);
    default:
      return NOTHING;
  }
}

function extendedLeaf(row: ModelRow, maximum: number, leaf: number): CpuidResult {
  if (leaf === EXTENDED) return { ...NOTHING, eax: maximum };
  if (leaf === EXTENDED + 1) {
    return { ...NOTHING, edx: bitsOf(LATER_FEATURE_BITS.extended, row) };
  }
  if (leaf <= LAST_BRAND_LEAF) return brandLeaf(row.brand, leaf);
  return registers(row.extended?.[leaf - LAST_BRAND_LEAF - 1]);
}

/** The model of a row; a leaf beyond the last one of its class gives the last basic one's values (SDM vol. 2). */
function modelOf(row: ModelRow): CpuModel {
  const { ebx7, ecx7 } = LATER_FEATURE_BITS;
  const structured = bitsOf(ebx7, row) !== 0 || bitsOf(ecx7, row) !== 0;
  const maximum = structured ? STRUCTURED_FEATURES : row.descriptors === undefined ? 1 : 2;
  const extendedMaximum = LAST_BRAND_LEAF + (row.extended?.length ?? 0);
  return {
    name: row.name,
    features: new Set(row.features),
    cpuid(leaf, subleaf) {
      const number = leaf >>> 0;
      if (number >= EXTENDED && number <= extendedMaximum) {
        return extendedLeaf(row, extendedMaximum, number);
      }
      return basicLeaf(row, maximum, Math.min(number, maximum), subleaf >>> 0);
    },
  };
}

/** Names for launch.json. */
export const CPU_MODEL_NAMES: readonly string[] = MODEL_ROWS.map(({ name }) => name);

/** What each model is, in a sentence. */
export const CPU_MODEL_SUMMARIES: Readonly<Record<string, string>> = Object.fromEntries(
  MODEL_ROWS.map(({ name, summary }) => [name, summary]),
);

/** The model of this name, or null. */
export function cpuModel(name: string): CpuModel | null {
  const row: ModelRow | undefined = MODEL_ROWS.find((candidate) => candidate.name === name);
  return row === undefined ? null : modelOf(row);
}
