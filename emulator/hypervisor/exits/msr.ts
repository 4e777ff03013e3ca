/**
 * RDMSR and WRMSR (reasons 31 and 32): the paravirtual interface's registers first, then the
 * processor's, which know their own #GP.
 */
import { injectGeneralProtection } from './handler.ts';
import type { ExitHandler } from './handler.ts';

/** IA32_TIME_STAMP_COUNTER and IA32_TSC_ADJUST, SDM vol. 4, table 2-2: writes move the guest's TSC. */
const TIMESTAMP_MSRS = [0x10, 0x3b];

export const rdmsr: ExitHandler = (host, exit) => {
  const { vcpu, guestInterface } = host;
  const { state } = vcpu.processor;
  const value = guestInterface?.readMsr(state.gpr(1, 4)) ?? null;
  if (value === null) {
    vcpu.emulateInstruction();
  } else if (value === 'fault') {
    injectGeneralProtection(host);
  } else {
    state.setGpr(0, 4, value.low);
    state.setGpr(2, 4, value.high);
    vcpu.skipInstruction(exit.instructionLength);
  }
};

export const wrmsr: ExitHandler = (host, exit) => {
  const { vcpu, guestInterface } = host;
  const { state } = vcpu.processor;
  const index = state.gpr(1, 4);
  const value = { low: state.gpr(0, 4), high: state.gpr(2, 4) };
  const outcome = guestInterface?.writeMsr(index, value) ?? null;
  if (outcome === 'fault') {
    injectGeneralProtection(host);
  } else if (outcome === 'done') {
    vcpu.skipInstruction(exit.instructionLength);
  } else {
    vcpu.emulateInstruction();
    if (TIMESTAMP_MSRS.includes(index)) guestInterface?.timestampChanged();
  }
};
