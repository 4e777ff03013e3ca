/**
 * The scopes of a stack frame. The top frame has the registers, places to open the memory view at, and
 * where the machine is; of a caller's frame only its address and frame pointer are known.
 */
import type { MachinePosition, RegisterGroup, StackFrame } from '../../emulator/debug-port.ts';
import type { MachineView } from '../../emulator/debugger/views/views.ts';
import { VIEWS, viewNames } from '../../emulator/debugger/views/views.ts';
import type { MachineClient } from '../machine/machine-client.ts';
import { viewContainer } from './machine-views.ts';
import { formatAddress, formatReference } from './memory-reference.ts';
import { findRegister, pointedTo } from './registers.ts';
import type { HookView } from '../paravirt-hooks/hook-reports.ts';
import { hooksContainer } from '../paravirt-hooks/hook-tree.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';
import type { Container, Row } from './variables.ts';
import { fixed } from './variables.ts';

/** Bytes shown beside a place in memory. */
const PREVIEW = 16;

/** Places from which the editor can open its memory view. */
export function memoryContainer(
  machine: MachineClient,
  registers: () => Promise<readonly RegisterGroup[]>,
): Container {
  const place = async (
    name: string,
    space: 'linear' | 'physical',
    address: number,
  ): Promise<Row> => {
    const { bytes } = await machine.call('readMemory', space, address, PREVIEW);
    return {
      name,
      value: bytes.length === 0 ? 'not mapped' : hexBytes(bytes),
      type: formatReference({ space, address }),
      memoryReference: formatReference({ space, address }),
      readOnly: ': open it in the memory view',
    };
  };
  return {
    async rows() {
      const { linearEip } = await machine.call('position');
      const groups = await registers();
      const esp = findRegister(groups, 'esp');
      const stack = esp === null ? null : pointedTo(groups, esp);
      return [
        await place('Code at EIP', 'linear', linearEip),
        ...(stack === null ? [] : [await place('Stack at ESP', 'linear', stack)]),
        await place('Linear memory', 'linear', 0),
        await place('Physical memory', 'physical', 0),
      ];
    },
  };
}

/** Where the machine is, and its views; those of an address are of EIP. */
export function machineContainer(
  machine: MachineClient,
  symbols: SymbolTable,
  hooks: HookView,
): Container {
  const here = async (): Promise<number> => (await machine.call('position')).linearEip;
  return {
    async rows() {
      const position = await machine.call('position');
      const facts = positionRows(position).map(([name, value]) => ({ name, value: String(value) }));
      const views = viewNames().map((name): Row => {
        const view: MachineView = VIEWS[name];
        const title = view.ofAddress === true ? `${view.title} of EIP` : view.title;
        return { name: title, value: '', children: viewContainer(machine, symbols, name, here) };
      });
      const paravirt: Row = { name: 'Paravirt', value: '', children: hooksContainer(hooks) };
      return [...facts, ...views, ...(hooks.hooks.exist ? [paravirt] : [])];
    },
  };
}

const MODES: { readonly [mode in MachinePosition['mode']]: string } = {
  real: 'real',
  protected16: 'protected, 16-bit code',
  protected32: 'protected, 32-bit code',
  v86: 'virtual 8086',
};

function positionRows(position: MachinePosition): readonly (readonly [string, string | number])[] {
  return [
    ['Instructions', position.retired],
    ['Virtual time', `${(position.time / 1e6).toFixed(3)} ms`],
    ['VM exits', position.exits],
    ['Mode', MODES[position.mode]],
    ['Paging', position.paging],
    ['Privilege level', position.cpl],
    ['Interrupts', position.interruptsEnabled ? 'enabled' : 'disabled'],
  ];
}

/** Registers of a caller as far as they are known. */
export function callerContainer({ linearEip, registers }: StackFrame): Container {
  const row = (name: string, value: number): Row => ({
    name,
    value: formatAddress(value),
    memoryReference: formatAddress(value),
    readOnly: ' in the frame of a caller',
  });
  const unknown = (name: string): Row => ({ name, value: 'not known in this frame' });
  const general = GENERAL_REGISTERS.map((name, number) => {
    const value = registers[number] ?? null;
    return value === null ? unknown(name) : row(name, value);
  });
  return fixed([row('eip', linearEip), ...general]);
}

/** By their numbers. */
const GENERAL_REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];

export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
