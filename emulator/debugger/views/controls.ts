/**
 * The hypervisor's controls as a VMCS has them (SDM vol. 3, 25.6): every bit by the manual's name, the
 * exception bitmap by vectors, ports and MSRs whose accesses leave as ranges, and the exit that is being
 * looked at.
 */
import {
  controlsOf,
  type ExecutionControls,
  PIN,
  PRIMARY,
  SECONDARY,
  UNCONDITIONAL,
} from '../../hypervisor/execution-controls.ts';
import { vectorName } from '../../hypervisor/exit-decoders.ts';
import { reasonField } from '../../hypervisor/faces/vmx-face.ts';
import type { Machine } from '../../machine.ts';
import { type Detail, hex } from './detail.ts';
import { exitFaces } from './exit-faces.ts';

function controlRow(
  name: string,
  value: number,
  bits: { readonly [name: string]: number },
  isField: boolean,
): Detail {
  const rows = Object.entries(bits).map(([bit, mask]) => ({
    name: bit,
    value: (value & mask) !== 0 ? '1' : '0',
  }));
  const set = rows.filter(({ value: bit }) => bit === '1').map(({ name: bit }) => bit);
  const number = isField ? `${hex(value)}  ` : '';
  return { name, value: `${number}${set.length === 0 ? 'none' : set.join(' ')}`, children: rows };
}

/** "0x20-0x21": runs of set bits, numbered from `first`. */
export function ranges(bitmap: Uint8Array, first: number): readonly string[] {
  const found: string[] = [];
  const isSet = (bit: number): boolean => ((bitmap[bit >> 3] >> (bit & 7)) & 1) === 1;
  for (let bit = 0; bit < bitmap.length * 8; bit++) {
    if (!isSet(bit)) continue;
    const from = bit;
    while (bit + 1 < bitmap.length * 8 && isSet(bit + 1)) bit++;
    const text = hex(first + from, 4);
    found.push(bit === from ? text : `${text}-${hex(first + bit, 4)}`);
  }
  return found;
}

/** Rows shown of a bitmap. */
const MOST = 256;

export function bitmapRow(name: string, found: readonly string[], isUsed: boolean): Detail {
  if (!isUsed) return { name, value: 'not used' };
  const shown = found.slice(0, MOST).map((range) => ({ name: range, value: 'leaves' }));
  return { name, value: `${String(found.length)} ranges leave`, children: shown };
}

function msrRanges({ msrBitmap }: ExecutionControls, from: 0 | 2048): readonly string[] {
  return [
    ...ranges(msrBitmap.subarray(from, from + 1024), 0),
    ...ranges(msrBitmap.subarray(from + 1024, from + 2048), 0xc0000000),
  ];
}

function exceptionRow({ exceptionBitmap }: ExecutionControls): Detail {
  const vectors = Array.from({ length: 32 }, (_, vector) => vector).filter(
    (vector) => ((exceptionBitmap >>> vector) & 1) === 1,
  );
  const names = vectors.map((vector) => vectorName(vector)).join(' ');
  return {
    name: 'Exception bitmap',
    value: `${hex(exceptionBitmap)}  ${names === '' ? 'none' : names}`,
  };
}

/** What decides which events leave the guest. */
export function hypervisorControls({ hypervisor }: Machine): readonly Detail[] {
  const controls = controlsOf(hypervisor.controls, 'vmx');
  const usesIo = (controls.primary & PRIMARY.USE_IO_BITMAPS) !== 0;
  const usesMsr = (controls.primary & PRIMARY.USE_MSR_BITMAPS) !== 0;
  const shadow = (value: number | null): string =>
    value === null ? "the guest's own" : hex(value);
  return [
    {
      name: 'Decides',
      value: hypervisor.controls.hardware === 'vmx' ? 'yes' : 'no, the VMCB does',
    },
    controlRow('Pin-based controls', controls.pinBased, PIN, true),
    controlRow('Primary processor-based controls', controls.primary, PRIMARY, true),
    controlRow('Secondary processor-based controls', controls.secondary, SECONDARY, true),
    controlRow('Unconditional exits', controls.unconditional, UNCONDITIONAL, false),
    exceptionRow(controls),
    { name: 'Page-fault error-code mask', value: hex(controls.pageFaultErrorMask) },
    { name: 'Page-fault error-code match', value: hex(controls.pageFaultErrorMatch) },
    bitmapRow('I/O bitmaps', ranges(controls.ioBitmap, 0), usesIo),
    bitmapRow('MSR bitmap, reads', msrRanges(controls, 0), usesMsr),
    bitmapRow('MSR bitmap, writes', msrRanges(controls, 2048), usesMsr),
    { name: 'CR0 guest/host mask', value: hex(controls.cr0Mask) },
    { name: 'CR0 read shadow', value: shadow(controls.cr0Shadow) },
    { name: 'CR4 guest/host mask', value: hex(controls.cr4Mask) },
    { name: 'CR4 read shadow', value: shadow(controls.cr4Shadow) },
    {
      name: 'CR3 targets',
      value: controls.cr3Targets.map((each) => hex(each)).join(' ') || 'none',
    },
  ];
}

/** The exit that the guest is stopped at, a failed VM entry too, with every decoded field and in its three faces; none elsewhere. */
export function pendingExit(machine: Machine): readonly Detail[] {
  const { hypervisor } = machine;
  const { standing } = hypervisor;
  if (standing === null) return [];
  const record = hypervisor.describe(standing);
  const field = reasonField(record.reason);
  const failed = field === record.reason ? '' : `  ${hex(field)}, the VM entry failed`;
  return [
    { name: 'Reason', value: `${String(record.reason)} ${record.name}${failed}` },
    { name: 'Exit qualification', value: hex(record.qualification) },
    { name: 'Instruction length', value: String(record.instructionLength) },
    { name: 'Guest RIP', value: hex(record.rip), symbolAt: record.linearRip },
    ...Object.entries(record.fields).map(([name, value]) => ({ name, value: hex(value, 1) })),
    ...exitFaces(machine),
  ];
}
