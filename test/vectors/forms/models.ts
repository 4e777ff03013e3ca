/** Which processor model the form vectors run on: the one that has the most features. */
import { CPU_MODEL_NAMES, cpuModel } from '../../../emulator/cpu/cpu-model.ts';
import type { OpcodeForm } from '../../../emulator/cpu/decode/opcode-map.ts';
import { TYPESCRIPT_INSTRUCTIONS } from '../../../emulator/cpu/instructions/typescript-instructions.ts';
import { EMITTED } from '../../../emulator/cpu/translate/handlers.ts';

const models = CPU_MODEL_NAMES.map(cpuModel).filter((model) => model !== null);

/** The name of the model with the most features. */
export function modelWithMost(): string {
  const [most] = [...models].sort((a, b) => b.features.size - a.features.size);
  return most?.name ?? '';
}

/** Whether a form has a meaning and some model offers it. */
export function isImplemented({ row }: OpcodeForm): boolean {
  const { meaning, feature } = row;
  if (meaning === null) return false;
  if (EMITTED[meaning] === undefined && TYPESCRIPT_INSTRUCTIONS[meaning] === undefined) return false;
  return feature === undefined || models.some(({ features }) => features.has(feature));
}
