/**
 * What the settings under hypervisor.exits in launch.json (exit-switches.ts) are in a VMCB: the intercepts of
 * AMD APM vol. 2, 15.9 to 15.14 that go with each, so that one launch configuration does on AMD's processors
 * what it does on Intel's. Settings without a row have no counterpart there.
 */
import { VECTOR } from '../cpu/processor.ts';
import type { Choice, Range, SettingKind } from './setting-kinds.ts';
import { isInMsrMap, setIntercepts, setMsrIntercept } from './svm-controls.ts';
import type { SvmControls } from './svm-controls.ts';
import { SVM_EXIT, svmExitCode, svmExitName } from './svm-exit-codes.ts';

/** Exit codes with an intercept bit of their own. */
const INTERCEPT_CODES = Array.from({ length: 0xc0 }, (_, code) => code).filter(
  (code) => svmExitName(code) !== null,
);
export const INTERCEPT_NAMES = INTERCEPT_CODES.map((code) => svmExitName(code) ?? '');

/** A list of intercepts by the names of their exit codes. */
export const interceptNames: SettingKind<readonly number[]> = {
  expected: 'a list of intercepts such as "CPUID" or "CR0_SEL_WRITE"',
  schema: { type: 'array', items: { enum: INTERCEPT_NAMES } },
  read(value) {
    if (!Array.isArray(value) || value.length > INTERCEPT_CODES.length) return null;
    const codes = value.map((item: unknown) =>
      typeof item === 'string' ? svmExitCode(item.toUpperCase()) : null,
    );
    return codes.every((code) => code !== null && INTERCEPT_CODES.includes(code))
      ? (codes as readonly number[])
      : null;
  },
};

const sixteen = (first: number): readonly number[] => Array.from({ length: 16 }, (_, n) => first + n); // prettier-ignore
const CR_READ = SVM_EXIT['CR#_READ'];
const CR_WRITE = SVM_EXIT['CR#_WRITE'];
const EXCEPTION = SVM_EXIT['EXCP#'];

/** Settings that are on or off. */
// prettier-ignore
const FLAGS: { readonly [attribute: string]: readonly number[] } = {
  pageFaults:        [EXCEPTION + VECTOR.PF],
  nmi:               [SVM_EXIT.NMI],
  tripleFault:       [SVM_EXIT.SHUTDOWN],
  init:              [SVM_EXIT.INIT],
  taskSwitch:        [SVM_EXIT.TASK_SWITCH],
  cpuid:             [SVM_EXIT.CPUID],
  hlt:               [SVM_EXIT.HLT],
  invd:              [SVM_EXIT.INVD],
  invlpg:            [SVM_EXIT.INVLPG],
  rdpmc:             [SVM_EXIT.RDPMC],
  rdtsc:             [SVM_EXIT.RDTSC, SVM_EXIT.RDTSCP],
  vmcall:            [SVM_EXIT.VMMCALL],
  crAccess:          [...sixteen(CR_READ), ...sixteen(CR_WRITE)],
  cr3:               [CR_READ + 3, CR_WRITE + 3],
  cr3Load:           [CR_WRITE + 3],
  cr3Store:          [CR_READ + 3],
  drAccess:          [...sixteen(SVM_EXIT['DR#_READ']), ...sixteen(SVM_EXIT['DR#_WRITE'])],
  mwait:             [SVM_EXIT.MWAIT],
  monitor:           [SVM_EXIT.MONITOR],
  pause:             [SVM_EXIT.PAUSE],
  wbinvd:            [SVM_EXIT.WBINVD],
  descriptorTables:  [
    SVM_EXIT.IDTR_READ, SVM_EXIT.GDTR_READ, SVM_EXIT.LDTR_READ, SVM_EXIT.TR_READ,
    SVM_EXIT.IDTR_WRITE, SVM_EXIT.GDTR_WRITE, SVM_EXIT.LDTR_WRITE, SVM_EXIT.TR_WRITE,
  ],
};

function setExceptions(svm: SvmControls, which: Choice<number>): void {
  const has = (vector: number): boolean =>
    which === true || (which !== false && which.includes(vector));
  // of vector 2 there is no bit: the NMI has its own
  for (let vector = 0; vector < 32; vector++) {
    const code = vector === VECTOR.NMI ? SVM_EXIT.NMI : EXCEPTION + vector;
    setIntercepts(svm, has(vector), code);
  }
}

function setIo(svm: SvmControls, ports: Choice<Range>): void {
  setIntercepts(svm, ports !== false, SVM_EXIT.IOIO);
  svm.iopm.fill(ports === true ? 0xff : 0);
  if (typeof ports === 'boolean') return;
  for (const { first, last } of ports)
    for (let port = first; port <= last; port++) svm.iopm[port >> 3] |= 1 << (port & 7);
}

/** Off leaves the intercept, for registers outside the map, by which a paravirtual interface is reached. */
function setMsr(svm: SvmControls, write: boolean, which: Choice<Range>): void {
  const mask = write ? 0xaa : 0x55;
  svm.msrpm.forEach((byte, at) => {
    svm.msrpm[at] = which === true ? byte | mask : byte & ~mask;
  });
  if (which === false) return;
  setIntercepts(svm, true, SVM_EXIT.MSR);
  if (which === true) return;
  for (const { first, last } of which)
    for (let index = first; index <= last && isInMsrMap(index); index++)
      setMsrIntercept(svm, index, write, true);
}

/**
 * Sets what a setting of launch.json is in a VMCB.
 * @param value as its kind has read it
 */
export function setSvmSwitch(svm: SvmControls, attribute: string, value: unknown): void {
  const on = value !== false;
  switch (attribute) {
    case 'exceptions':
      setExceptions(svm, value as Choice<number>);
      break;
    case 'io':
      setIo(svm, value as Choice<Range>);
      break;
    case 'rdmsr':
    case 'wrmsr':
      setMsr(svm, attribute === 'wrmsr', value as Choice<Range>);
      break;
    case 'externalInterrupt':
      setIntercepts(svm, on, SVM_EXIT.INTR);
      svm.virtualInterruptMasking = on;
      break;
    case 'eptViolation':
      svm.nestedPaging = on;
      break;
    case 'svm':
      setIntercepts(svm, true, ...(value as readonly number[]));
      break;
    default:
      setIntercepts(svm, on, ...(FLAGS[attribute] ?? []));
  }
}
