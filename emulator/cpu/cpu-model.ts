/**
 * Processor models: what CPUID says (SDM vol. 2, "CPUID") and which features the decoder accepts. A
 * model advertises only what cpu/instructions implements.
 *
 * Leaf 1: EAX 13..12 type | 11..8 family | 7..4 model | 3..0 stepping; EDX the feature bits below.
 * The brand string (leaves 0x80000002 to 0x80000004) is newer than these processors; it is there
 * because guests show it.
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
const LATER_FEATURE_BITS = {
  ecx1:     { 'tsc-deadline': 24 },
  ebx7:     { 'tsc-adjust': 1, smep: 7, smap: 20 },
  ecx7:     { umip: 2 },
  extended: { nx: 20, rdtscp: 27 },
} as const;
type Later = typeof LATER_FEATURE_BITS;
type Feature = keyof typeof FEATURE_BITS | { [W in keyof Later]: keyof Later[W] }[keyof Later];

interface ModelRow {
  readonly name: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  readonly features: readonly Feature[];
  /** Cache and TLB descriptors of leaf 2 (EAX, EBX, ECX, EDX), where the processor has it. */
  readonly descriptors?: readonly [number, number, number, number];
  /** At most 47 characters. */
  readonly brand: string;
}

const I486 = ['fpu'] as const satisfies readonly Feature[];
const PENTIUM = [...I486, 'vme', 'de', 'pse', 'tsc', 'msr', 'cx8'] as const satisfies readonly Feature[]; // prettier-ignore
const PENTIUM3 = [...PENTIUM, 'pae', 'mce', 'apic', 'sep', 'mtrr', 'pge', 'mca', 'cmov', 'pat', 'pse36'] as const satisfies readonly Feature[]; // prettier-ignore
const MAX = [...PENTIUM3, 'tsc-deadline', 'tsc-adjust', 'smep', 'smap', 'umip', 'nx', 'rdtscp'] as const satisfies readonly Feature[]; // prettier-ignore

const MODEL_ROWS = [
  { name: '486',      family: 4, model: 8, stepping: 0, features: I486,     brand: 'Guestscope 486' },
  { name: 'pentium',  family: 5, model: 2, stepping: 4, features: PENTIUM,  brand: 'Guestscope Pentium' },
  { name: 'pentium3', family: 6, model: 8, stepping: 3, features: PENTIUM3, brand: 'Guestscope Pentium III',
    descriptors: [0x03020101, 0, 0, 0x0c040882] },
  // everything that this processor can do
  { name: 'max',      family: 6, model: 14, stepping: 8, features: MAX,     brand: 'Guestscope',
    descriptors: [0x03020101, 0, 0, 0x0c040882] },
] as const satisfies readonly ModelRow[]; // prettier-ignore

const NOTHING: CpuidResult = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
const EXTENDED = 0x80000000;
/** Last extended leaf: the third part of the brand string, or the sizes of addresses. */
const EXTENDED_MAXIMUM = 0x80000004;
const ADDRESS_SIZES = 0x80000008;
/** 36 physical and 32 linear bits. */
const ADDRESS_BITS = 0x2024;
const STRUCTURED_FEATURES = 7;

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
  return { eax: (family << 8) | (model << 4) | stepping, ebx: 0, ecx, edx };
}

function structuredLeaf(row: ModelRow, subleaf: number): CpuidResult {
  if (subleaf !== 0) return NOTHING;
  const { ebx7, ecx7 } = LATER_FEATURE_BITS;
  return { ...NOTHING, ebx: bitsOf(ebx7, row), ecx: bitsOf(ecx7, row) };
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

/** The model of a row; a leaf beyond the last basic one gives that one's values (SDM vol. 2). */
function modelOf(row: ModelRow): CpuModel {
  const { ebx7, ecx7, extended } = LATER_FEATURE_BITS;
  const structured = bitsOf(ebx7, row) !== 0 || bitsOf(ecx7, row) !== 0;
  const extendedFeatures = bitsOf(extended, row);
  const older = row.descriptors === undefined ? 1 : 2;
  const maximum = structured ? STRUCTURED_FEATURES : older;
  const extendedMaximum = extendedFeatures === 0 ? EXTENDED_MAXIMUM : ADDRESS_SIZES;
  const basic = (leaf: number, subleaf: number): CpuidResult => {
    if (leaf === 0) return vendorLeaf(maximum);
    if (leaf === 1 || row.descriptors === undefined) return featureLeaf(row);
    if (leaf === STRUCTURED_FEATURES) return structuredLeaf(row, subleaf);
    if (leaf !== 2) return NOTHING;
    const [eax, ebx, ecx, edx] = row.descriptors;
    return { eax, ebx, ecx, edx };
  };
  return {
    name: row.name,
    features: new Set(row.features),
    cpuid(leaf, subleaf) {
      const number = leaf >>> 0;
      if (number === EXTENDED) return { ...NOTHING, eax: extendedMaximum };
      if (number === EXTENDED + 1) return { ...NOTHING, edx: extendedFeatures };
      if (number > EXTENDED && number <= EXTENDED_MAXIMUM) return brandLeaf(row.brand, number);
      if (number > EXTENDED && number < extendedMaximum) return NOTHING;
      if (number === extendedMaximum) return { ...NOTHING, eax: ADDRESS_BITS };
      return basic(Math.min(number, maximum), subleaf);
    },
  };
}

/** Names for launch.json. */
export const CPU_MODEL_NAMES: readonly string[] = MODEL_ROWS.map(({ name }) => name);

/** The model of this name, or null. */
export function cpuModel(name: string): CpuModel | null {
  const row = MODEL_ROWS.find((candidate) => candidate.name === name);
  return row === undefined ? null : modelOf(row);
}
