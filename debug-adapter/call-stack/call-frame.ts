/**
 * A frame of the call stack as a person sees it. What the processor would find after the functions
 * further in have returned (a physical frame) is several of these where functions were inlined.
 */
import type { StackFrame } from '../../emulator/debug-port.ts';
import type { CodeScope, DebugInformation } from '../symbols/debug-information.ts';
import type { FrameRegisters } from '../symbols/frame-registers.ts';
import type { SourceLine } from '../symbols/line-list.ts';

export interface CallFrame extends StackFrame {
  /** Linear; null where call frame information is missing. */
  readonly cfa: number | null;
  /** Physical frames further in. */
  readonly depth: number;
  /** Where it is, linear: of a caller in its call, since what comes behind may be of another line. */
  readonly codeAddress: number;
  /** Its functions' and blocks' own scopes, innermost first; empty where no file tells. */
  readonly scopes: readonly CodeScope[];
  /** Whose scopes these are. */
  readonly information: DebugInformation | null;
  /** The call of the inlined function further in; null where that is not one: the line of codeAddress. */
  readonly call: SourceLine | null;
  /** The function of this frame was inlined into that of the next one. */
  readonly isInlined: boolean;
  /** How its caller was found. */
  readonly by: 'call frame information' | 'code';
}

/** EIP's number behind the general registers (System V ABI for i386, table 2.14). */
const EIP = 8;

/** A frame as DWARF's expressions ask for it. */
export function frameRegisters({ registers, eip, cfa }: CallFrame): FrameRegisters {
  return {
    register: (number) => (number === EIP ? eip : (registers[number] ?? null)),
    cfa,
  };
}
