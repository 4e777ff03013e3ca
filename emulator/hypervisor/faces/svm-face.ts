/**
 * The SVM face of an exit: what a #VMEXIT writes to the VMCB (AMD APM vol. 2, 15.6 and appendix B "Layout of
 * VMCB"), by the manual's names and offsets. EXITINTINFO (15.7.2) is IDT-vectoring information in AMD's form:
 * INT3, INTO and INT1 are of the type "exception" there.
 */
import { vectorName } from '../exit-decoders.ts';
import { NO_EXITCODE, SVM_EXIT, svmExitName } from '../svm-exit-codes.ts';
import type { RecordedExit } from '../vm-exit.ts';
import { hex } from './face.ts';
import type { Face, FaceField } from './face.ts';

/** EXITINTINFO, low half: vector 7:0, type 10:8, error code valid 11, valid 31. */
export function exitIntInfo({ idtVectoringInformation: information }: RecordedExit): number {
  const type = (information >>> 8) & 7;
  const isException = type === 5 || type === 6;
  const here = isException ? 3 : type;
  return ((information & ~0x1700) | (here << 8)) >>> 0;
}

const INTERRUPT_TYPES = ['INTR', 'reserved', 'NMI', 'exception', 'software interrupt'];

function interruptText(information: number): string {
  if (information >>> 31 === 0) return 'not valid';
  const type = (information >>> 8) & 7;
  const vector = information & 0xff;
  const name = type === 3 || type === 2 ? vectorName(vector) : `vector ${hex(vector, 2)}`;
  return `${INTERRUPT_TYPES[type]} ${name}`;
}

const wide = (high: number, low: number): string =>
  `0x${high.toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}`;

const SIZES: { readonly [bits: number]: string } = {
  1: '1 byte',
  2: '2 bytes',
  4: '4 bytes',
};
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', '', ''];

function ioText(information: number): string {
  const direction = (information & 1) === 1 ? 'IN' : 'OUT';
  const string = (information & 4) !== 0;
  const parts = [
    `${(information & 8) !== 0 ? 'REP ' : ''}${direction}${string ? 'S' : ''}`,
    `port ${hex(information >>> 16, 4)}`,
    SIZES[(information >>> 4) & 7],
    `${(information & 0x80) !== 0 ? '16' : '32'}-bit addresses`,
  ];
  return string ? [...parts, SEGMENTS[(information >>> 10) & 7]].join(', ') : parts.join(', ');
}

const inRange = (code: number, first: number, count: number): boolean =>
  code >= first && code < first + count;

/** What EXITINFO1 says for the exit's code (appendix C). */
function info1Text({ exitCode, exitInfo1, exitInfo1High }: RecordedExit): string {
  if (exitCode === SVM_EXIT.IOIO) return ioText(exitInfo1);
  if (exitCode === SVM_EXIT.MSR) return exitInfo1 === 1 ? 'WRMSR' : 'RDMSR';
  if (exitCode === SVM_EXIT.TASK_SWITCH) return 'selector of the new TSS';
  if (exitCode === SVM_EXIT.SWINT) return 'vector';
  if (exitCode === SVM_EXIT.INVLPG) return 'linear address';
  if (exitCode === SVM_EXIT.NPF) {
    return exitInfo1High === 1
      ? 'error code; final address'
      : 'error code; in the walk of the guest';
  }
  if (inRange(exitCode, SVM_EXIT['CR#_READ'], 32)) {
    return exitInfo1High === 0 ? 'not MOV CR' : `MOV CR, general register ${String(exitInfo1)}`;
  }
  if (inRange(exitCode, SVM_EXIT['DR#_READ'], 32)) return `general register ${String(exitInfo1)}`;
  return inRange(exitCode, SVM_EXIT['EXCP#'], 32) ? 'error code' : '';
}

const TASK_BITS = [[36, 'IRET'], [38, 'far jump'], [44, 'error code pushed'], [48, 'RF']] as const; // prettier-ignore

function info2Text({ exitCode, exitInfo2 }: RecordedExit): string {
  if (exitCode === SVM_EXIT.IOIO) return 'rIP of the next instruction';
  if (exitCode === SVM_EXIT.NPF) return 'guest-physical address';
  if (exitCode === SVM_EXIT['EXCP#'] + 14) return 'linear address of the page fault';
  if (exitCode !== SVM_EXIT.TASK_SWITCH) return '';
  const set = TASK_BITS.filter(([bit]) => Math.floor(exitInfo2 / 2 ** bit) % 2 === 1);
  return set.map(([, name]) => name).join(', ');
}

const field = (name: string, place: string, value: string, meaning = ''): FaceField => ({ name, place, value, meaning }); // prettier-ignore

/**
 * What a VMCB records of the event.
 * @param bytes of the instruction as they were fetched, at most 15; null: not known any more
 */
export function svmFace(exit: RecordedExit, bytes: Uint8Array | null = null): Face {
  const { exitCode, exitInfo1, exitInfo1High, exitInfo2, interruptibility, eflags } = exit;
  if (exitCode === NO_EXITCODE) return { title: 'no EXITCODE: undefined under SVM', fields: [] };
  const title = `VMEXIT_${svmExitName(exitCode) ?? 'reserved'} (${exitCode.toString(16).toUpperCase()}h)`;
  const interrupted = exitIntInfo(exit);
  const shadow = (interruptibility & 3) !== 0 ? 1 : 0;
  const fields = [
    field('EXITCODE', '070h', hex(exitCode), title),
    field('EXITINFO1', '078h', wide(exitInfo1High, exitInfo1), info1Text(exit)),
    field('EXITINFO2', '080h', `0x${exitInfo2.toString(16).padStart(16, '0')}`, info2Text(exit)),
    field('EXITINTINFO', '088h', wide(interrupted >>> 31 === 0 ? 0 : exit.idtVectoringErrorCode, interrupted), interruptText(interrupted)),
    field('INTERRUPT_SHADOW', '068h', String(shadow)),
    field('nRIP', '0C8h', hex(exit.nextRip), exit.nextRip === 0 ? 'not saved' : ''),
    field('RIP', '578h', hex(exit.rip)),
    field('RFLAGS', '570h', hex(eflags)),
    field('RAX', '5F8h', hex(exit.eax)),
    field('CPL', '4CBh', String(exit.cpl)),
  ]; // prettier-ignore
  // 15.33.5: of intercepted page faults of data and nested page faults
  const saved = exitCode === SVM_EXIT.NPF || exitCode === SVM_EXIT['EXCP#'] + 14;
  if (!saved || bytes === null) return { title, fields };
  const text = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const fetched = field('Guest instruction bytes', '0D0h', `${String(bytes.length)} fetched`, text);
  return { title, fields: [...fields, fetched] };
}
