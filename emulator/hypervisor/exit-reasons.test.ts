import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT_GROUPS, EXIT_REASONS, exitReason, exitReasonGap, findExitReason, REASON, SVM_ONLY, unknownExitReason } from './exit-reasons.ts'; // prettier-ignore
import type { ExitReason } from './exit-reasons.ts';
import { EXIT_SWITCHES } from './exit-switches.ts';
import { HANDLERS } from './exits/handlers.ts';
import { KVM_EXITS, SVM_EXIT_CODES, svmExitName } from './svm-exit-codes.ts';
import type { SvmExitCode } from './svm-exit-codes.ts';

test('the table has every number of SDM vol. 3, appendix C once, in order', () => {
  const reserved = [35, 38, 42, 71, 82, 83];
  const expected = Array.from({ length: 86 }, (_, number) => number).filter(
    (number) => !reserved.includes(number),
  );
  const numbers = EXIT_REASONS.map((row) => row.number as number);
  assert.deepEqual(
    numbers.filter((number) => number < SVM_ONLY),
    expected,
  );
});

test('a reason of SVM alone has its number from an exit code that no reason of VMX has', () => {
  const rows: readonly ExitReason[] = EXIT_REASONS;
  const codes: readonly SvmExitCode[] = SVM_EXIT_CODES;
  for (const { number, name } of rows.filter((row) => row.number >= SVM_ONLY)) {
    // SMSW reads CR0 by an instruction that VMX lets pass
    const code = name === 'SMSW' ? 0x00 : number - SVM_ONLY;
    const row = codes.find((each) => code >= each.code && code < each.code + each.count);
    if (name === 'SMSW') assert.equal(number, SVM_ONLY);
    else assert.deepEqual([row?.name, row?.vmx], [name, null]);
  }
});

test('names and synonyms are unique', () => {
  const names = EXIT_REASONS.flatMap((row) => [row.name, ...row.synonyms]);
  assert.equal(new Set(names).size, names.length);
});

test('a row has a handler if and only if it has no gap', () => {
  for (const row of EXIT_REASONS)
    assert.equal(HANDLERS.has(row.number), row.gap === null, row.name);
});

test('every attribute of a row is a switch', () => {
  const switches = EXIT_SWITCHES.map((each) => each.attribute);
  for (const { attribute } of EXIT_REASONS) {
    if (attribute !== null) assert.ok(switches.includes(attribute), attribute);
  }
  for (const { attribute, description } of EXIT_SWITCHES)
    assert.notEqual(description, '', attribute);
});

test('every group has a row', () => {
  const used = new Set<string>(EXIT_REASONS.map((row) => row.group));
  for (const group of EXIT_GROUPS) assert.ok(used.has(group), group);
});

test('a reason is found by number, name, synonym, header name and attribute, in any case', () => {
  const cases: readonly (readonly [text: string, number: number])[] = [
    ['CPUID', 10], ['cpuid', 10], ['10', 10], ['0xA', 10], [' hlt ', 12], ['EXIT_REASON_MSR_READ', 31],
    ['msr-write', 32], ['PENDING_INTERRUPT', 7], ['intr_window', 7], ['VMON', 27], ['NOTIFY', 75], ['io', 30],
    ['crAccess', 28], ['ept violation', 48], ['VMMCALL', 18], ['INVALID_STATE', 33],
  ]; // prettier-ignore
  for (const [text, number] of cases) assert.equal(findExitReason(text)?.number, number, text);
  assert.equal(REASON.VMCALL, 18);
  // the entry-failure flag is not part of the basic reason
  assert.equal(exitReason(0x80000021)?.name, 'VMENTRY_FAILURE_GUEST_STATE');
});

test('an unknown reason is refused with the nearest name', () => {
  assert.equal(findExitReason('35'), null);
  assert.equal(findExitReason('CPIUD'), null);
  assert.equal(findExitReason(''), null);
  assert.equal(findExitReason('9'.repeat(1000)), null);
  assert.equal(unknownExitReason('cpiud'), "'cpiud' is no VM-exit reason. Did you mean 'CPUID'?");
  assert.match(unknownExitReason('zzzzzz'), /Give a name such as CPUID/);
});

test('a reason that never comes says why', () => {
  assert.equal(exitReasonGap(EXIT_REASONS[10]), null);
  const smi = findExitReason('SMI');
  assert.match(smi === null ? '' : (exitReasonGap(smi) ?? ''), /^SMI \(6\) never occurs .*\.$/);
});

test('SVM exit codes name ranges and single codes', () => {
  // APM vol. 2, appendix C
  assert.equal(svmExitName(0x13), 'CR3_WRITE');
  assert.equal(svmExitName(0x27), 'DR7_READ');
  assert.equal(svmExitName(0x4e), 'EXCP14');
  assert.equal(svmExitName(0x81), 'VMMCALL');
  assert.equal(svmExitName(0x94), 'CR4_WRITE_TRAP');
  assert.equal(svmExitName(0x400), 'NPF');
  assert.equal(svmExitName(0xffffffff), 'INVALID');
  assert.equal(svmExitName(0xa7), null);
  for (const { name, vmx } of SVM_EXIT_CODES) {
    if (vmx !== null) assert.notEqual(exitReason(vmx), null, name);
  }
  assert.equal(KVM_EXITS.HLT, 5);
});
