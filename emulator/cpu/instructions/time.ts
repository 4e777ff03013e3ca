/**
 * RDTSC and PAUSE (SDM vol. 2) as emitted code, for the common case that no hypervisor asks for them and
 * CR4.TSD is clear: delay loops execute little else. All other cases go to their TypeScript form in
 * system.ts.
 */
import { CR, NATIVE, NATIVE_INSTRUCTION } from '../layout.ts';
import { CR4 } from '../state.ts';
import type { Backend } from '../translate/backend.ts';
import type { EmittedInstruction } from '../translate/shape.ts';

const AX = 0;
const DX = 2;

function pushNative(e: Backend, instruction: number): void {
  e.getState(NATIVE);
  e.body.i32(instruction).op('and');
}

const rdtsc: EmittedInstruction = {
  patterns: [''],
  emit(e) {
    const { body } = e;
    const ticks = e.temp64();
    pushNative(e, NATIVE_INSTRUCTION.RDTSC);
    e.getState(CR + 4 * 8);
    body.i32(CR4.TSD).op('and').op('eqz').op('and');
    body.if();
    e.timestamp();
    body.set(ticks);
    body.get(ticks).op('wrap');
    e.setRegister(AX, 4);
    body.get(ticks).i64(32n).op('shrU64').op('wrap');
    e.setRegister(DX, 4);
    e.next();
    body.end();
    e.assist();
  },
};

const pause: EmittedInstruction = {
  patterns: [''],
  emit(e) {
    pushNative(e, NATIVE_INSTRUCTION.PAUSE);
    e.body.if();
    e.next();
    e.body.end();
    e.assist();
  },
};

export const timeInstructions: Readonly<Record<string, EmittedInstruction>> = { rdtsc, pause };
