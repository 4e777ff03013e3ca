/**
 * CPUID where there are several processors (SDM vol. 2, "CPUID"; vol. 3, 8.9 "Programming considerations
 * for hardware multi-threading capable processors"). Each is a package of its own with one core and one
 * thread, as on the boards of these processors; so all answer alike but for the initial local APIC ID:
 * leaf 1, EBX bits 31-24.
 */
import type { CpuModel } from './cpu-model.ts';

const FEATURE_LEAF = 1;
const FIRST_EXTENDED_LEAF = 0x80000000;

/** The model as the processor with this local APIC ID has it. */
export function withApicId(model: CpuModel, apicId: number): CpuModel {
  if (apicId === 0) return model;
  const highest = model.cpuid(0, 0).eax;
  return {
    name: model.name,
    features: model.features,
    cpuid(leaf, subleaf) {
      const result = model.cpuid(leaf, subleaf);
      const basic = leaf >>> 0 < FIRST_EXTENDED_LEAF;
      // leaves beyond the last one give the last one's values
      if (!basic || Math.min(leaf >>> 0, highest) !== FEATURE_LEAF) return result;
      return { ...result, ebx: ((result.ebx & 0xffffff) | (apicId << 24)) >>> 0 };
    },
  };
}
