import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readAttachConfiguration } from './attach-configuration.ts';
import { parseSize } from './launch-attribute.ts';
import { readLaunchConfiguration } from './launch-configuration.ts';
import { configurationSchemas, configurationSnippets } from './schema.ts';

function problemsOf(value: unknown): string[] {
  const result = readLaunchConfiguration(value);
  return result.ok ? [] : result.problems.map((problem) => problem.message);
}
const kernel = { kernel: '/k' };

describe('launch configuration', () => {
  it('needs a kernel and nothing else, and fills in every default', () => {
    const result = readLaunchConfiguration({
      type: 'guestscope',
      request: 'launch',
      name: 'x',
      guest: kernel,
    });
    assert.ok(result.ok);
    assert.deepEqual(result.configuration, {
      type: 'guestscope',
      request: 'launch',
      name: 'x',
      guest: {
        image: undefined,
        medium: 'auto',
        firmware: undefined,
        videoFirmware: undefined,
        kernel: '/k',
        format: 'auto',
        initrd: undefined,
        modules: [],
        commandLine: '',
        entry: 'auto',
        loadAddress: 'auto',
      },
      symbols: [],
      sourceMap: {},
      machine: {
        memory: 134217728,
        vcpus: 1,
        clock: 'virtual',
        idle: 'pace',
        cpu: 'pentium3',
        compiledTier: true,
        testDevice: false,
      },
      hypervisor: {
        interface: 'kvm',
        profile: undefined,
        exits: {},
        kvm: {
          features: {},
          asyncPageFaults: { every: 0, resident: 3 * 2 ** 30, delay: 100_000 },
        },
        log: {
          capacity: 65_536,
          statistics: true,
          filter: { reasons: [], except: [], condition: undefined },
        },
      },
      exitBreakpoints: [],
      breakOn: [],
      stepping: { interrupts: 'deliver' },
      expect: [],
      stopOnEntry: true,
      console: 'integratedTerminal',
      recording: undefined,
      faults: undefined,
    });
  });

  it('says which required attribute is missing, in a nested group too', () => {
    assert.deepEqual(problemsOf({}), [
      'launch.json: "guest" is missing; name the kernel file to boot, or a disk, floppy or CD image in "guest.image".',
    ]);
    assert.deepEqual(problemsOf({ guest: {} }), [
      'launch.json: "guest.kernel" is missing; name the kernel file to boot, or a disk, floppy or CD image in "guest.image".',
    ]);
    assert.deepEqual(problemsOf({ guest: kernel, exitBreakpoints: [{ condition: '1' }] }), [
      'launch.json: "exitBreakpoints[0].reason" is missing; name an exit reason such as "CPUID", or a hypercall.',
    ]);
  });

  it('says what is wrong with a file of symbols, by its attribute', () => {
    assert.deepEqual(problemsOf({ guest: kernel, symbols: ['/a', { when: 'cr3 == 1' }] }), [
      'launch.json: "symbols[1].file" is missing; name a file.',
    ]);
    const [problem] = problemsOf({ guest: kernel, symbols: [{ file: '/a', loadAddress: 'high' }] });
    assert.match(problem ?? '', /"symbols\[0\]\.loadAddress"/);
  });

  it('refuses unknown attributes with the nearest name or the group they belong to', () => {
    assert.deepEqual(problemsOf({ guest: { kernel: '/k', comandLine: '' } }), [
      'launch.json: there is no attribute "guest.comandLine" (did you mean "commandLine"?); remove or correct it.',
    ]);
    assert.deepEqual(problemsOf({ guest: kernel, memory: '64M' }), [
      'launch.json: there is no attribute "memory" (did you mean "machine.memory"?); remove or correct it.',
    ]);
    assert.deepEqual(problemsOf({ guest: kernel, zzz: 1 }), [
      'launch.json: there is no attribute "zzz"; remove or correct it.',
    ]);
  });

  it("leaves the editor's own attributes alone", () => {
    assert.deepEqual(problemsOf({ guest: kernel, __sessionId: 'x', preLaunchTask: 'build' }), []);
  });

  it('names the attribute whose type or value is wrong', () => {
    const [size, vcpus, entry] = problemsOf({
      guest: kernel,
      machine: { memory: '12Q', vcpus: 'two' },
      stopOnEntry: 'yes',
    });
    assert.match(size ?? '', /^launch.json: "machine.memory" is "12Q", and must be a size/);
    assert.match(vcpus ?? '', /"machine.vcpus" is "two", and must be a whole number from 1 to 8/);
    assert.match(
      problemsOf({ guest: kernel, machine: { vcpus: 9 } })[0] ?? '',
      /"machine.vcpus" is 9, and must be a whole number/,
    );
    assert.match(entry ?? '', /"stopOnEntry" is "yes", and must be true or false/);
    assert.match(
      problemsOf({ guest: kernel, machine: { memory: '64' } })[0] ?? '',
      /must be a size/,
    );
    assert.match(problemsOf({ guest: kernel, machine: { memory: '8G' } })[0] ?? '', /1M to 3G/);
    assert.match(problemsOf({ guest: { kernel: '' } })[0] ?? '', /the name of a file/);
    assert.match(problemsOf({ guest: 'vmlinuz' })[0] ?? '', /"guest" is "vmlinuz".*an object/);
    assert.match(problemsOf(null)[0] ?? '', /must be an object/);
  });

  it('says of names that are not built yet that they are not available', () => {
    for (const [value, attribute] of [
      [{ guest: { kernel: '/k', format: 'xen-pv' } }, '"guest.format" "xen-pv" is not available'],
      [{ guest: { kernel: '/k', image: '/d' } }, 'only one of them is booted'],
      [{ guest: kernel, machine: { clock: 'realtime' } }, '"machine.clock" "realtime" is not'],
      [{ guest: kernel, hypervisor: { interface: 'xen' } }, '"hypervisor.interface" "xen" is not'],
      [{ guest: kernel, recording: {} }, '"recording" is not available'],
      [{ guest: kernel, faults: [] }, '"faults" is not available'],
      [{ guest: kernel, request: 'attach' }, '"request" is "attach", and must be one of "launch"'],
    ] as const) {
      const [first] = problemsOf(value);
      assert.ok(first?.includes(attribute), `${attribute}: ${first ?? 'accepted'}`);
    }
  });

  it('reads modules as text and as objects', () => {
    const modules = ['/m/one', ' /m/two  a=1 b ', { file: '/m/with blank', commandLine: 'c' }];
    const result = readLaunchConfiguration({ guest: { kernel: '/k', modules } });
    assert.ok(result.ok);
    assert.deepEqual(result.configuration.guest.modules, [
      { file: '/m/one', commandLine: '' },
      { file: '/m/two', commandLine: 'a=1 b' },
      { file: '/m/with blank', commandLine: 'c' },
    ]);
    const bad = ['', 7, {}, { file: '/m', args: '' }, null];
    assert.deepEqual(problemsOf({ guest: { kernel: '/k', modules: bad } }), [
      'launch.json: "guest.modules[0]" is "", and must be the name of a file.',
      'launch.json: "guest.modules[1]" is 7, and must be the name of a file, or an object with "file" and "commandLine".',
      'launch.json: "guest.modules[2].file" is missing; name the file to load.',
      'launch.json: there is no attribute "guest.modules[3].args"; remove or correct it.',
      'launch.json: "guest.modules[4]" is null, and must be the name of a file, or an object with "file" and "commandLine".',
    ]);
    assert.match(problemsOf({ guest: { kernel: '/k', modules: '/m' } })[0] ?? '', /must be a list/);
  });

  it('reads addresses as numbers and as text', () => {
    for (const [given, expected] of [
      ['0x100000', 0x100000],
      [4096, 4096],
      ['4096', 4096],
      ['auto', 'auto'],
    ]) {
      const result = readLaunchConfiguration({ guest: { kernel: '/k', loadAddress: given } });
      assert.ok(result.ok);
      assert.equal(result.configuration.guest.loadAddress, expected);
    }
    assert.match(
      problemsOf({ guest: { kernel: '/k', loadAddress: '0x100000000' } })[0] ?? '',
      /below 4 GiB/,
    );
  });

  it('takes profiles and switches of exits from the hypervisor itself', () => {
    const hypervisor = { profile: 'kvm-ept', exits: { cpuid: true } };
    assert.deepEqual(problemsOf({ guest: kernel, hypervisor }), []);
    const old = readLaunchConfiguration({ guest: kernel, hypervisor: { profile: 'svm-npt' } });
    assert.ok(old.ok);
    assert.equal(old.configuration.hypervisor.profile, 'kvm-npt');
    assert.match(
      problemsOf({ guest: kernel, hypervisor: { profile: 'kvm-etp' } })[0] ?? '',
      /"kvm-etp".*did you mean "kvm-ept"/,
    );
    assert.match(
      problemsOf({ guest: kernel, hypervisor: { exits: { cpudi: true } } })[0] ?? '',
      /"hypervisor.exits.cpudi" \(did you mean "cpuid"\?\)/,
    );
    assert.match(
      problemsOf({ guest: kernel, hypervisor: { kvm: { features: { PV_IOE: false } } } })[0] ?? '',
      /"hypervisor.kvm.features.PV_IOE" \(did you mean "PV_EOI"\?\)/,
    );
  });

  it('survives any JSON', () => {
    for (const value of [1, 'x', [], [1], true, { guest: [] }, { guest: kernel, symbols: {} }])
      assert.equal(readLaunchConfiguration(value).ok, false, JSON.stringify(value));
  });
});

describe('sizes', () => {
  it('knows units and refuses everything else', () => {
    assert.equal(parseSize('128M'), 134217728);
    assert.equal(parseSize('64 KiB'), 65536);
    assert.equal(parseSize('1gb'), 1073741824);
    assert.equal(parseSize(4096), 4096);
    for (const wrong of ['', 'M', '1.5G', '-1', -1, 1.5, null, '99999999999G'])
      assert.equal(parseSize(wrong), null, String(wrong));
  });
});

describe('schema for the editor', () => {
  const { launch } = configurationSchemas();

  it('offers what works and hides what is not built', () => {
    assert.deepEqual(launch.required, ['guest']);
    assert.deepEqual(Object.keys(launch.properties ?? {}), [
      'guest',
      'symbols',
      'sourceMap',
      'machine',
      'hypervisor',
      'exitBreakpoints',
      'breakOn',
      'expect',
      'stepping',
      'stopOnEntry',
      'console',
    ]);
    assert.deepEqual(launch.properties?.['guest']?.properties?.['format']?.enum, [
      'auto',
      'bzimage',
      'multiboot',
      'pvh',
      'flat',
      'bios',
    ]);
    const { anyOf } = launch.properties?.['guest'] ?? {};
    assert.deepEqual(anyOf, [{ required: ['kernel'] }, { required: ['image'] }]);
  });

  it('describes every attribute', () => {
    const visit = (schema: typeof launch, name: string): void => {
      for (const [key, inner] of Object.entries(schema.properties ?? {})) {
        assert.ok((inner.markdownDescription ?? '').length > 10, `${name}.${key}`);
        visit(inner, `${name}.${key}`);
      }
    };
    visit(launch, 'launch');
  });

  it('has snippets that the validation accepts', () => {
    for (const snippet of configurationSnippets()) {
      const body: unknown = JSON.parse(
        JSON.stringify(snippet.body)
          .replace(/\^\\"/g, '')
          .replace(/\\""/g, '"')
          .replace(/\\"/g, '')
          // a number
          .replace(/"\^\$\{\d:(\d+)\}"/g, '$1'),
      );
      const result =
        snippet.body['request'] === 'attach'
          ? readAttachConfiguration(body)
          : readLaunchConfiguration(body);
      assert.deepEqual(result.ok ? [] : result.problems, [], snippet.label);
    }
  });
});
