/**
 * Control of the x87 unit: its words, environment and whole state, and the stack pointer (SDM vol. 1,
 * 8.3.11; vol. 2, FNINIT, FNCLEX, FLDCW, FNSTENV, FNSAVE, FXSAVE, FFREE, FINCSTP, WAIT). The forms
 * without N are FWAIT and these.
 */
import type { Instruction } from '../decode/instruction.ts';
import {
  environmentSize,
  loadEnvironment,
  loadExtended,
  loadState,
  mxcsrOf,
  saveEnvironment,
  saveExtended,
  saveState,
} from '../fpu/environment.ts';
import type { EnvironmentLayout } from '../fpu/environment.ts';
import {
  controlWord,
  free,
  initialize,
  pop,
  rotate,
  setConditions,
  setControlWord,
  setStatusWord,
  statusWord,
} from '../fpu/register-stack.ts';
import { STATUS } from '../fpu/rounding.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { CR0 } from '../state.ts';
import { mxcsrMask, requireMmx } from './simd-access.ts';
import {
  after,
  control,
  isMemoryForm,
  locate,
  recordInstruction,
  releaseError,
  requireUnit,
  waitForError,
  waiting,
} from './x87-access.ts';

/** Bytes of FXSAVE and FXRSTOR. */
const EXTENDED_LENGTH = 512;
/** Flags that FNCLEX clears, and ES and B. */
const CLEARED = 0x80ff;

function layoutOf({ state }: Processor, instruction: Instruction): EnvironmentLayout {
  return {
    operandSize: instruction.operandSize,
    protectedMode: state.protectedMode && !state.v86,
  };
}

const fninit = control((cpu) => {
  initialize(cpu.state);
  releaseError(cpu);
});

const fnclex = control((cpu) => {
  setStatusWord(cpu.state, statusWord(cpu.state) & ~CLEARED);
  releaseError(cpu);
});

const fldcw = waiting((cpu, instruction) => {
  const { linear } = locate(cpu, instruction, false);
  setControlWord(cpu.state, cpu.memory.read16(linear));
});

const fnstcw = control((cpu, instruction) => {
  const { linear } = locate(cpu, instruction, true);
  cpu.memory.write16(linear, controlWord(cpu.state));
});

/** To m2byte or AX. */
const fnstsw = control((cpu, instruction) => {
  if (!isMemoryForm(instruction)) {
    cpu.state.setGpr(0, 2, statusWord(cpu.state));
    return;
  }
  const { linear } = locate(cpu, instruction, true);
  cpu.memory.write16(linear, statusWord(cpu.state));
});

/** Stores the environment, then masks all exceptions. */
const fnstenv = control((cpu, instruction) => {
  const layout = layoutOf(cpu, instruction);
  const { linear } = locate(cpu, instruction, true, environmentSize(layout));
  cpu.memory.writeBytes(linear, saveEnvironment(cpu.state, layout));
  setControlWord(cpu.state, controlWord(cpu.state) | 0x3f);
  releaseError(cpu);
});

const fldenv = waiting((cpu, instruction) => {
  const layout = layoutOf(cpu, instruction);
  const length = environmentSize(layout);
  const { linear } = locate(cpu, instruction, false, length);
  loadEnvironment(cpu.state, cpu.memory.readBytes(linear, length), layout);
});

const fnsave = control((cpu, instruction) => {
  const layout = layoutOf(cpu, instruction);
  const { linear } = locate(cpu, instruction, true, environmentSize(layout) + 80);
  cpu.memory.writeBytes(linear, saveState(cpu.state, layout));
  initialize(cpu.state);
  releaseError(cpu);
});

const frstor = waiting((cpu, instruction) => {
  const layout = layoutOf(cpu, instruction);
  const length = environmentSize(layout) + 80;
  const { linear } = locate(cpu, instruction, false, length);
  loadState(cpu.state, cpu.memory.readBytes(linear, length), layout);
});

/** #UD and #NM of FXSAVE and FXRSTOR. */
function extended(body: TypescriptInstruction): TypescriptInstruction {
  return (cpu, instruction) => {
    requireMmx(cpu);
    body(cpu, instruction);
  };
}

/**
 * The 512 bytes of FXSAVE and FXRSTOR must be aligned to 16. Where alignment is checked a Xeon says #AC to
 * what is not even aligned to 4 (locate), #GP(0) to the rest; it looks for the page of the last byte first.
 */
function locateExtended(cpu: Processor, instruction: Instruction, write: boolean): number {
  const { memory } = cpu;
  const { linear } = locate(cpu, instruction, write, EXTENDED_LENGTH);
  if ((linear & 15) !== 0) cpu.fault(VECTOR.GP, 0);
  const last = after(linear, EXTENDED_LENGTH - 1);
  if (write) memory.probeWrite(last, 1);
  else memory.probeRead(last, 1);
  return linear;
}

/** Saves XMM registers and MXCSR whether CR4.OSFXSR is set or not, which is left to the processor. */
const fxsave = extended((cpu, instruction) => {
  const linear = locateExtended(cpu, instruction, true);
  cpu.memory.probeWrite(linear, EXTENDED_LENGTH);
  cpu.memory.writeBytes(linear, saveExtended(cpu.state, mxcsrMask(cpu)));
});

const fxrstor = extended((cpu, instruction) => {
  const linear = locateExtended(cpu, instruction, false);
  const bytes = cpu.memory.readBytes(linear, EXTENDED_LENGTH);
  const mask = mxcsrMask(cpu);
  if (mask !== 0 && (mxcsrOf(bytes) & ~mask) !== 0) cpu.fault(VECTOR.GP, 0);
  loadExtended(cpu.state, bytes, mask);
  releaseError(cpu);
});

/** FNOP waits; FNENI, FNDISI and FNSETPM (DB E0, E1, E4) do not. */
const fnop: TypescriptInstruction = (cpu, instruction) => {
  requireUnit(cpu);
  if (instruction.opcode === 0xd9 && waitForError(cpu)) recordInstruction(cpu, instruction);
};

/** WAIT minds CR0.TS only when MP is set, and EM not at all. */
const fwait: TypescriptInstruction = (cpu) => {
  const both = CR0.MP | CR0.TS;
  if ((cpu.state.cr(0) & both) === both) cpu.fault(VECTOR.NM);
  waitForError(cpu);
};

const ffree = waiting((cpu, instruction) => {
  recordInstruction(cpu, instruction);
  setConditions(cpu.state, STATUS.C1, 0);
  free(cpu.state, instruction.modrm & 7);
});

/** Not in Intel's manuals: FFREE, then the stack is popped. */
const ffreep = waiting((cpu, instruction) => {
  recordInstruction(cpu, instruction);
  setConditions(cpu.state, STATUS.C1, 0);
  free(cpu.state, instruction.modrm & 7);
  pop(cpu.state);
});

function moveTop(by: 1 | -1): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    setConditions(cpu.state, STATUS.C1, 0);
    rotate(cpu.state, by);
  });
}

// prettier-ignore
export const x87Control = {
  fninit, fnclex, fldcw, fnstcw, fnstsw,
  fnstenv, fldenv, fnsave, frstor, fxsave, fxrstor,
  fnop, fneni: fnop, fndisi: fnop, fnsetpm: fnop, fwait,
  ffree, ffreep,
  fincstp: moveTop(1), fdecstp: moveTop(-1),
} as const satisfies Record<string, TypescriptInstruction>;
