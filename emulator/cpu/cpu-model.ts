/**
 * Processor models: what CPUID says (SDM vol. 2, "CPUID") and which features the decoder accepts. A
 * model advertises only what cpu/instructions implements.
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
