/** Faces as they are written, what they make of a launch configuration, and the tables of a comparison. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allFaces, compareText, type FaceRun, parseFace, withFace } from './faces.ts';

const RUNS: readonly FaceRun[] = [
  { face: 'kvm-ept:bare', outcome: 'power-off', ending: 'Off.', instructions: 20_000, time: 5e7, exits: { CPUID: 3, IO_INSTRUCTION: 1997 } },
  { face: 'kvm-ept', outcome: 'power-off', ending: 'Off.', instructions: 21_000, time: 5.25e7, exits: { CPUID: 3, IO_INSTRUCTION: 997, VMCALL: 12 } },
]; // prettier-ignore

describe('a face', () => {
  test('is a profile, an interface, and words for the command line', () => {
    assert.deepEqual(parseFace('kvm-ept:kvm+nopv no-kvmclock'), {
      label: 'kvm-ept:kvm+nopv no-kvmclock',
      profile: 'kvm-ept',
      interface: 'kvm',
      commandLine: 'nopv no-kvmclock',
    });
    assert.equal(parseFace('kvm-ept').interface, 'kvm');
    assert.equal(parseFace('bare').interface, 'bare');
  });

  test('of each profile that can be used: the guest knows of KVM and does not', () => {
    const labels = allFaces().map(({ label }) => label);
    for (const label of ['bare:bare', 'kvm-ept:bare', 'kvm-ept:kvm'])
      assert.ok(labels.includes(label));
    assert.ok(!labels.includes('bare:kvm'), 'nothing leaves a bare machine, not even a hypercall');
  });

  test('takes the place of the hypervisor, and nothing stops the run', () => {
    const configuration = {
      guest: { kernel: '/k', commandLine: 'quiet' },
      hypervisor: { interface: 'kvm', exits: { rdtsc: true }, kvm: { features: {} } },
      exitBreakpoints: [{ reason: 'CPUID' }],
    };
    assert.deepEqual(withFace(configuration, parseFace('kvm-ept:bare+nopv')), {
      guest: { kernel: '/k', commandLine: 'quiet nopv' },
      hypervisor: { interface: 'bare', profile: 'kvm-ept', exits: { rdtsc: true } },
      exitBreakpoints: [],
      breakOn: [],
      expect: [],
    });
    const kept = withFace(configuration, parseFace('kvm-ept'));
    assert.deepEqual(kept['guest'], configuration.guest);
    assert.deepEqual(kept['hypervisor'], { ...configuration.hypervisor, profile: 'kvm-ept' });
  });
});

describe('the table', () => {
  test('of two faces has the difference', () => {
    assert.deepEqual(compareText(RUNS, 'text').split('\n'), [
      'exits            kvm-ept:bare    kvm-ept  difference',
      'IO_INSTRUCTION          1,997        997      −1,000',
      'VMCALL                      0         12         +12',
      'CPUID                       3          3          ±0',
      'all exits               2,000      1,012        −988',
      'of kvm-ept:bare       100.0 %     50.6 %',
      'instructions           20,000     21,000      +1,000',
      'guest time, ms           50.0       52.5         2.5',
      'end                 power-off  power-off',
      '',
    ]);
  });

  test('of more has columns alone', () => {
    const [first = ''] = compareText([...RUNS, ...RUNS], 'markdown').split('\n');
    assert.equal(first.split('|').length, 1 + 5 + 1);
  });

  test('for programs says by how much each differs from the first that has exits', () => {
    const bare: FaceRun = { ...RUNS[0], face: 'bare', exits: {} } as FaceRun;
    const { baseline, runs } = JSON.parse(compareText([bare, ...RUNS], 'json')) as {
      baseline: string;
      runs: { face: string; total: number; difference: { [reason: string]: number } }[];
    };
    assert.equal(baseline, 'kvm-ept:bare');
    assert.deepEqual(
      runs.map(({ total, difference }) => [total, difference['IO_INSTRUCTION']]),
      [[0, -1997], [2000, 0], [1012, -1000]],
    ); // prettier-ignore
    const lines = compareText(RUNS, 'csv').split('\n');
    assert.equal(lines[0], 'face,reason,exits,difference');
    assert.ok(lines.includes('kvm-ept,IO_INSTRUCTION,997,-1000'));
  });
});
