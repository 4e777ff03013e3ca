/**
 * The guest's program in a session: its debugging information, the frame that the person in front looks
 * at, and its objects as rows of views. Requests ask this one; without debugging information it knows
 * nothing and everything stays as the machine's own language has it.
 */
import type { Syntax } from '../../emulator/expressions/syntax.ts';
import type { SourceLine } from '../symbols/line-list.ts';
import type { CfaRule } from '../../emulator/formats/dwarf/frame-program.ts';
import type { CallFrame } from '../call-stack/call-frame.ts';
import { cfaRuleAt } from '../call-stack/call-stack.ts';
import { failure } from '../errors.ts';
import type { Constants } from '../expressions/expressions.ts';
import { surroundings } from '../expressions/expressions.ts';
import type { Guest } from '../guest.ts';
import { formatAddress } from '../display/memory-reference.ts';
import type { DebugInformation } from '../symbols/debug-information.ts';
import type { FrameInformation } from '../symbols/frame-registers.ts';
import { computed, type FrameTrees } from './dwarf-location.ts';
import { physicalFrames, unwound, withEntryValues } from './entry-values.ts';
import { completed } from './lowering.ts';
import type { ObjectAccess } from './object-access.ts';
import { frameAt, type SelectedFrame, type Surroundings } from './program-names.ts';
import { advanced } from './trees.ts';
import type { Container } from '../display/variables.ts';
import type { ObjectView } from './value-rows.ts';
import { globalsContainer, localsContainer } from './variable-scopes.ts';

/** General registers by DWARF's numbers (System V ABI for i386, table 2.14). */
export const GENERAL_REGISTERS = [
  'eax',
  'ecx',
  'edx',
  'ebx',
  'esp',
  'ebp',
  'esi',
  'edi',
  'eip',
] as const;

export class Program {
  /** The unwinder's knowledge. */
  frames: FrameInformation = {
    cfaRuleAt: (address) => cfaRuleAt(this.guest.files.modules, address),
  };
  /** The frame in which the person's expressions are evaluated. */
  selected: SelectedFrame | null = null;
  private readonly guest: Guest;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  /** Of the files of symbols that have some, as far as it has been read. */
  get information(): readonly DebugInformation[] {
    return this.guest.files.information;
  }

  /** @param frame whose variables count: the selected one unless another is given */
  around(constants?: Constants, frame = this.selected): Surroundings {
    const { symbols, linux } = this.guest;
    const { information } = this;
    return surroundings({
      symbols,
      information,
      frame,
      system: linux.expressionNames(),
      ...(constants !== undefined && { constants }),
    });
  }

  /**
   * The frame of a breakpoint: where the guest will be when a condition is evaluated.
   * @param stack that of the guest where it stands there now
   */
  frameAt(address: number, stack: readonly CallFrame[] = []): SelectedFrame | null {
    const trees = withEntryValues(this.live(address), physicalFrames(stack, 0), this.information);
    return frameAt(address, trees, this.information);
  }

  /**
   * A frame of the stack; null for one of code without debugging information.
   * @param stack itself with as many of its callers as are looked into for its variables
   */
  frameOf(frame: CallFrame, stack: readonly CallFrame[]): SelectedFrame | null {
    const { codeAddress, depth, information, scopes } = frame;
    if (information === null) return null;
    const own = depth === 0 ? this.live(codeAddress) : unwound(frame);
    const trees = withEntryValues(own, physicalFrames(stack, depth), this.information);
    return { address: codeAddress, trees, information, scopes };
  }

  /** Registers as they are when the expression is evaluated, at an address. */
  private live(address: number): FrameTrees {
    const trees: FrameTrees = {
      register(number) {
        const name = GENERAL_REGISTERS[number];
        return name === undefined ? null : { value: { kind: 'name', at: 0, name }, name };
      },
      cfa: () => {
        const rule = this.frames.cfaRuleAt(address);
        return rule === null ? null : cfaOf(rule, trees);
      },
    };
    return trees;
  }

  /** For showing objects where the guest is stopped. */
  view(): ObjectView {
    const { guest } = this;
    const around = this.around();
    return {
      access: this.access(),
      text: {
        completed: (type) => completed(type, around),
        symbolAt(address) {
          const near = guest.symbols.near(address);
          const isInside = near !== null && (near.offset === 0 || near.offset < near.symbol.size);
          return isInside ? guest.symbols.describe(address) : null;
        },
      },
    };
  }

  /** Variables of the selected frame; null for those that there are none of. */
  scopes(): { readonly locals: Container | null; readonly globals: Container | null } {
    const { frame, ...around } = this.around();
    if (frame === null) return { locals: null, globals: null };
    const here = { ...around, frame };
    const view = this.view();
    const declarationOf = (line: SourceLine): number => this.guest.variables.declared(line);
    return {
      locals: localsContainer(here, view, declarationOf),
      globals: globalsContainer(here, view, declarationOf),
    };
  }

  access(): ObjectAccess {
    const { guest } = this;
    const { machine } = guest;
    return {
      evaluate: (syntax: Syntax) => guest.evaluateParsed({ text: '', syntax }),
      read: async (address, count) =>
        (await machine.call('readMemory', 'linear', address, count)).bytes,
      async write(address, bytes) {
        const written = await machine.call('writeMemory', 'linear', address, bytes);
        guest.changed();
        if (written < bytes.length)
          throw failure('memoryUnwritable', {
            address: formatAddress(address + written),
            problem: 'nothing is mapped there',
          });
      },
      writeRegister: (name, value) => guest.writeRegister(name, value),
    };
  }
}

function cfaOf(rule: CfaRule, frame: FrameTrees): Syntax | null {
  if (rule.kind === 'expression')
    return computed(rule.operations, { frame, frameBase: null, slide: 0 });
  const register = frame.register(rule.register);
  return register === null ? null : advanced(register.value, rule.offset);
}
