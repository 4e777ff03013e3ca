/**
 * The hypervisor's controls as a VMCB has them (AMD APM vol. 2, appendix B): every intercept by the manual's
 * name, the ports and registers whose accesses leave as ranges. They decide under a profile of AMD-V; under
 * any other they say what the same hypervisor asks of AMD's processors.
 */
import { controlsOf } from '../../hypervisor/execution-controls.ts';
import { SVM_EXIT, svmExitName } from '../../hypervisor/svm-exit-codes.ts';
import { intercepts } from '../../hypervisor/svm-controls.ts';
import type { SvmControls } from '../../hypervisor/svm-controls.ts';
import type { Machine } from '../../machine.ts';
import { bitmapRow, ranges } from './controls.ts';
import type { Detail } from './detail.ts';
import { hex } from './detail.ts';

/** The vectors, each with the exit code of its lowest bit. */
// prettier-ignore
const VECTORS = [
  { name: '000h CR read intercepts',      first: 0x00, count: 16 },
  { name: '002h CR write intercepts',     first: 0x10, count: 16 },
  { name: '004h DR read intercepts',      first: 0x20, count: 16 },
  { name: '006h DR write intercepts',     first: 0x30, count: 16 },
  { name: '008h Exception intercepts',    first: 0x40, count: 32 },
  { name: '00Ch Instruction intercepts',  first: 0x60, count: 32 },
  { name: '010h Instruction intercepts',  first: 0x80, count: 32 },
  { name: '014h Instruction intercepts',  first: 0xa0, count: 32 },
] as const;

function vectorRow(
  controls: SvmControls,
  { name, first, count }: (typeof VECTORS)[number],
): Detail {
  const rows: Detail[] = [];
  const on: string[] = [];
  let value = 0;
  for (let bit = 0; bit < count; bit++) {
    const intercept = svmExitName(first + bit);
    if (intercept === null) continue;
    const isOn = intercepts(controls, first + bit);
    rows.push({ name: intercept, value: isOn ? '1' : '0' });
    if (isOn) on.push(intercept);
    if (isOn) value |= 1 << bit;
  }
  const text = on.length === 0 ? 'none' : on.join(' ');
  return { name, value: `${hex(value, count / 4)}  ${text}`, children: rows };
}

/** Every other bit of the MSR permissions map: reads from 0, writes from 1. */
function everyOther(bitmap: Uint8Array, from: 0 | 1): Uint8Array {
  const picked = new Uint8Array(bitmap.length / 2);
  for (let bit = 0; bit < picked.length * 8; bit++) {
    const at = 2 * bit + from;
    if (((bitmap[at >> 3] >> (at & 7)) & 1) === 1) picked[bit >> 3] |= 1 << (bit & 7);
  }
  return picked;
}

function msrRanges({ msrpm }: SvmControls, from: 0 | 1): readonly string[] {
  const bits = everyOther(msrpm, from);
  return [0, 0xc0000000, 0xc0010000].flatMap((first, range) =>
    ranges(bits.subarray(range * 0x400, (range + 1) * 0x400), first),
  );
}

const bit = (name: string, on: boolean): Detail => ({ name, value: on ? '1' : '0' });

export function vmcbControls({ hypervisor }: Machine): readonly Detail[] {
  const { hardware } = hypervisor.controls;
  const { svm } = controlsOf(hypervisor.controls, 'svm');
  const usesIo = intercepts(svm, SVM_EXIT.IOIO);
  const usesMsr = intercepts(svm, SVM_EXIT.MSR);
  return [
    { name: 'Decides', value: hardware === 'svm' ? 'yes' : 'no, the VMCS does' },
    ...VECTORS.map((vector) => vectorRow(svm, vector)),
    bitmapRow('040h I/O permissions map', ranges(svm.iopm, 0), usesIo),
    bitmapRow('048h MSR permissions map, reads', msrRanges(svm, 0), usesMsr),
    bitmapRow('048h MSR permissions map, writes', msrRanges(svm, 1), usesMsr),
    { name: '03Ch PAUSE filter threshold', value: String(svm.pauseFilterThreshold) },
    { name: '03Eh PAUSE filter count', value: String(svm.pauseFilterCount) },
    bit('060h V_IRQ', svm.virtualInterrupt),
    bit('060h V_INTR_MASKING', svm.virtualInterruptMasking),
    bit('090h NP_ENABLE', svm.nestedPaging),
  ];
}
