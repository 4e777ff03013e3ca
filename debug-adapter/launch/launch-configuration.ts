/**
 * The launch configuration: what a person writes into launch.json, described once. The TypeScript type,
 * the validation with its messages, the defaults and the editor's schema (schema.ts) all come from this
 * description. Names are binding; what is not built yet is refused by name with the remedy, never
 * silently ignored.
 */
import { CPU_MODEL_SUMMARIES } from '../../emulator/cpu/cpu-model.ts';
import { MOST_VCPUS } from '../../emulator/debug-port.ts';
import { PROFILES } from '../../emulator/hypervisor/profiles.ts';
import { switchableFeatures } from '../../emulator/paravirt/kvm-features.ts';
import { LOG_CAPACITY, MOST_LOG_ROWS } from '../../emulator/hypervisor/exit-log.ts';
import type { AdapterError } from '../errors.ts';
import { eventIds } from '../exits/event-tree.ts';
import { exitSettings } from './exit-settings.ts';
import type { GroupValue, Members, Problems } from './launch-attribute.ts';
import {
  address,
  choice,
  count,
  dictionary,
  fileWithArguments,
  flag,
  group,
  list,
  nameOf,
  orMember,
  optionalChoice,
  path,
  required,
  size,
  text,
  unavailable,
} from './launch-attribute.ts';

const module = fileWithArguments(
  group(
    {
      file: required(path({ description: 'The file.' }), 'name the file to load'),
      commandLine: text({ description: 'What the kernel is told about it.', default: '' }),
    },
    { description: 'A file and its arguments.' },
  ),
);

const guest = group(
  {
    kernel: path({
      description:
        'The guest: a Linux bzImage (vmlinuz), a multiboot 1 or PVH kernel, or a flat binary, as `guest.format` says.',
    }),
    image: path({
      description:
        'Instead of `guest.kernel`: a boot sector, a floppy image, a disk image or a bootable CD image, which firmware boots. The file is never written to: what the guest writes is kept beside it and forgotten at the end.',
    }),
    medium: choice({
      description: 'What kind of medium `guest.image` is.',
      default: 'auto',
      values: {
        auto: 'Look at the file: a CD has volume descriptors, a floppy its size, a disk partitions; a boot sector goes onto a floppy.',
        floppy: 'In drive A:. An image smaller than a floppy is filled up.',
        disk: 'First hard disk, an ATA drive.',
        cdrom: 'CD-ROM drive, an ATAPI drive.',
      },
    }),
    firmware: path({
      description:
        "The BIOS that boots `guest.image`. Absent: SeaBIOS of Debian's package seabios (`/usr/share/seabios/bios-256k.bin` or `bios.bin`).",
    }),
    videoFirmware: path({
      description:
        'Option ROM of the display for `guest.firmware`. Absent: `/usr/share/seabios/vgabios-isavga.bin`, or none where it is not there.',
    }),
    format: choice({
      description: 'What kind of file `guest.kernel` is.',
      default: 'auto',
      values: {
        auto: 'Look at the file: bzImage, then multiboot, then PVH, else a boot sector.',
        bzimage: 'Linux bzImage, entered through the 32-bit boot protocol.',
        multiboot: 'ELF with a multiboot 1 header, entered in protected mode without paging.',
        pvh: 'ELF with the note of a PVH entry, such as the `vmlinux` of a Linux with CONFIG_PVH.',
        flat: 'Raw bytes, loaded at guest.loadAddress and entered in real mode.',
        bios: 'Firmware boots the medium in `guest.image`.',
      },
      unavailable: { 'xen-pv': 'use a bzImage of the same kernel' },
    }),
    initrd: path({ description: 'Initial RAM disk for a Linux guest.' }),
    modules: list(module, {
      description:
        'Files that a multiboot or PVH kernel finds in memory beside it: names, each with its arguments behind it, or objects with `file` and `commandLine`.',
    }),
    commandLine: text({
      description: 'Kernel command line, for example `console=ttyS0`.',
      default: '',
    }),
    entry: choice({
      description: 'Which entry of a bzImage is used.',
      default: 'auto',
      values: {
        auto: '32-bit, or 16-bit for what speaks an older boot protocol than 2.08, such as iPXE.',
        '16-bit': 'The setup code runs in real mode, with small BIOS services under it.',
        '32-bit': 'The kernel starts in protected mode; the loader does what the setup code would.',
      },
    }),
    loadAddress: address({
      description:
        'Guest-physical address to load at. `auto` is where the image wants to be; a relocatable kernel and a flat binary may be put elsewhere.',
      default: 'auto',
    }),
  },
  {
    description: 'What to boot.',
    oneOf: {
      names: ['kernel', 'image'],
      remedy: 'name the kernel file to boot, or a disk, floppy or CD image in "guest.image"',
    },
  },
);

const machine = group(
  {
    memory: size({
      description: 'RAM of the guest, for example `128M`.',
      default: '128M',
      minimum: '1M',
      maximum: '3G',
      multiple: 64 * 1024,
    }),
    vcpus: count({
      description:
        'Number of virtual processors. They run in turn on the one clock, so that a run is the same each time.',
      default: 1,
      minimum: 1,
      maximum: MOST_VCPUS,
    }),
    clock: choice({
      description: 'What the time of the machine is made of.',
      default: 'virtual',
      values: {
        virtual:
          'One nanosecond per retired instruction: every run is the same to the instruction.',
      },
      unavailable: { realtime: 'write "virtual" or remove it' },
    }),
    idle: choice({
      description: 'What happens while the guest waits in HLT for its next timer interrupt.',
      default: 'pace',
      values: {
        pace: 'Wait in real time, as a person at the console expects.',
        skip: 'Go on at once: fastest, for tests.',
      },
    }),
    cpu: choice<string>({
      description: 'Processor model: what CPUID says, and which instructions there are.',
      default: 'pentium3',
      values: CPU_MODEL_SUMMARIES,
    }),
    compiledTier: flag({
      description:
        'Compiles code that the guest executes often. Without it everything is interpreted: slower, and the same to the instruction.',
      default: true,
    }),
    testDevice: flag({
      description:
        'Adds the device that test suites such as kvm-unit-tests drive: a register at port 0xe0, interrupt lines at port 0x2000, memory on the bus at 0xff000000.',
      default: false,
    }),
  },
  { description: 'The board and the processor.' },
);

/** Names of the emulator's profiles by their other names. */
function profileSynonyms(): ReadonlyMap<string, string> {
  return new Map(
    PROFILES.flatMap(({ name, synonyms }) => synonyms.map((synonym) => [synonym, name] as const)),
  );
}

const asyncPageFaults = group(
  {
    every: count({
      description:
        'Of the pages that the guest touches for the first time, each so-and-so-many-th is paged out; 0: none.',
      default: 0,
      minimum: 0,
      maximum: 1_000_000,
    }),
    resident: size({
      description:
        'So much of the guest’s RAM the host can spare: what comes in beyond it takes the place of the page that came in first.',
      default: '3G',
      minimum: '1M',
      maximum: '3G',
      multiple: 4096,
    }),
    delay: count({
      description: 'Virtual time, in ns, until a page has come in from the host’s disk.',
      default: 100_000,
      minimum: 1,
      maximum: 1_000_000_000,
    }),
  },
  {
    description:
      'Makes the host short of memory, so that the guest meets pages that are paged out: it is told of them if it has asked for that (`MSR_KVM_ASYNC_PF_EN`), else it waits.',
  },
);

const kvm = group(
  {
    features: dictionary(flag({ description: '', default: true }), {
      description:
        'Offers single features of KVM’s interface or not, over what the profile says: `{ "PV_EOI": false }`.',
      keys: switchableFeatures(),
    }),
    asyncPageFaults,
  },
  { description: 'What of KVM’s interface is other than usual, with interface `kvm`.' },
);

const reasons = (description: string) =>
  list(
    required(text({ description: 'A reason or a group.', default: undefined }), 'name a reason'),
    {
      description,
    },
  );

const exitLog = group(
  {
    capacity: count({
      description: 'Exits that the log keeps, the newest ones; 0 keeps none. All are counted.',
      default: LOG_CAPACITY,
      minimum: 0,
      maximum: MOST_LOG_ROWS,
    }),
    statistics: flag({
      description: 'Count exits by what they were about, by address and over time as well.',
      default: true,
    }),
    filter: group(
      {
        reasons: reasons(
          'Only exits of these reasons (`VMCALL`) and groups of them (`Hypercalls`, `Registers`); none: all.',
        ),
        except: reasons('None of these reasons and groups.'),
        condition: text({
          description:
            'Only if this is nonzero: an expression over the exit’s fields and registers, `port == 0x3f8`.',
          default: undefined,
        }),
      },
      { description: 'Which exits the log keeps; what it leaves out costs next to nothing.' },
    ),
  },
  { description: 'The log of VM exits.' },
);

const hypervisor = group(
  {
    interface: choice({
      description: 'What the guest finds when it looks for a hypervisor.',
      default: 'kvm',
      values: {
        kvm: "KVM's signature, hypercalls and model-specific registers.",
        bare: 'Nothing: the guest believes that it runs on hardware.',
      },
      unavailable: { xen: 'use "kvm" or "bare"', vmware: 'use "kvm" or "bare"' },
    }),
    profile: optionalChoice({
      description:
        'Which events leave the guest as VM exits: the execution controls of one release of a hypervisor, on VT-x (`kvm-ept`, `kvm-2.6.20-vmx`) or AMD-V (`kvm-npt`, `kvm-2.6.20-svm`). Absent: `kvm-ept` under KVM, `bare` on bare hardware.',
      values: Object.fromEntries(PROFILES.map((row) => [row.name, row.description])),
      synonyms: profileSynonyms(),
    }),
    exits: exitSettings({
      description:
        'Settings of single exits and execution controls, over what the profile says: `{ "rdtsc": true, "io": ["0x3f8-0x3ff"] }`.',
    }),
    kvm,
    log: exitLog,
  },
  { description: 'The hypervisor under the guest.' },
);

/** When a breakpoint stops, and what it prints. */
function conditions(fields: string, example: string, message: string) {
  return {
    condition: text({
      description: `Stop only if this is nonzero: an expression over ${fields}, registers and symbols, \`${example}\`.`,
      default: undefined,
    }),
    hitCondition: text({
      description:
        '`3` stops from the third hit on, `== 3` at the third only, `% 3` at every third.',
      default: undefined,
    }),
    logMessage: text({
      description: `Print this instead of stopping. Expressions in braces are replaced by their values: \`${message}\`.`,
      default: undefined,
    }),
  };
}

const exitBreakpoint = group(
  {
    reason: text({
      description: 'Name or number of an exit reason (`CPUID`, `IO_INSTRUCTION`, 18); `*` is any.',
      default: undefined,
    }),
    hypercall: text({
      description:
        'Instead of `reason`: name or number of a hypercall, `KVM_HC_KICK_CPU`, `KICK_CPU` or `5`.',
      default: undefined,
    }),
    when: choice({
      description: 'Before the hypervisor handles the exit, or after.',
      default: 'before',
      values: {
        before: 'The guest stands at the instruction, and can be given something else.',
        after:
          'The guest is about to go on; `exit.outcome`, `exit.result` and their like are known.',
      },
    }),
    action: text({
      description:
        'Do this in the hypervisor’s place, and go on: `skip`, `skip eax=5, ebx=0`, `return ecx=0`, `inject #GP(0)`, `inject #PF 0x1000 2`, `inject interrupt 0x20`, `inject nmi`.',
      default: undefined,
    }),
    ...conditions('the exit’s fields', 'leaf == 0x40000000', 'CPUID leaf {leaf}'),
  },
  {
    description: 'A breakpoint on VM exits.',
    oneOf: {
      names: ['reason', 'hypercall'],
      remedy: 'name an exit reason such as "CPUID", or a hypercall',
    },
  },
);

const breakOn = orMember(
  group(
    {
      event: required(
        nameOf({
          description:
            'What to stop at: `exception.PF`, `port.out`, `mode`, `exit.CPUID`, `hypercall.KICK_CPU`.',
          names: eventIds(),
        }),
        'name an event such as "exception.PF"',
      ),
      ...conditions(
        'the event’s fields',
        'event.vector == 14 && event.errorCode & 2',
        'port {event.port}',
      ),
    },
    { description: 'A breakpoint on an event of the machine.' },
  ),
  'event',
);

const symbolFile = orMember(
  group(
    {
      file: required(path({ description: 'ELF file or System.map.' }), 'name a file'),
      loadAddress: address({
        description:
          'Linear address where a position-independent program or library begins. `auto` is where it was linked; a kernel is found by its build ID.',
        default: 'auto',
      }),
      when: text({
        description:
          'The file belongs to one address space: to the one in which this expression is nonzero, `current->comm == "init"` or `cr3 == 0x1234000`. Elsewhere its names, lines and frames do not count, and its breakpoints do not stop.',
        default: undefined,
      }),
    },
    { description: 'A file with symbols, and where it counts.' },
  ),
  'file',
);

const stepping = group(
  {
    interrupts: choice({
      description: 'What becomes of external interrupts while a single instruction is stepped.',
      default: 'deliver',
      values: {
        deliver:
          'Their handlers run before the step goes on, as the guest would do without a debugger.',
        mask: 'They wait until the guest runs or steps over a call: no handler runs in between.',
      },
    }),
  },
  { description: 'How steps behave.' },
);

/** What editors put beside our attributes; none of our business. */
const EDITOR_ATTRIBUTES: readonly string[] = [
  'debugServer',
  'internalConsoleOptions',
  'linux',
  'noDebug',
  'osx',
  'postDebugTask',
  'preLaunchTask',
  'presentation',
  'serverReadyAction',
  'suppressMultipleSessionWarning',
  'windows',
];
export function belongsToEditor(name: string): boolean {
  return name.startsWith('_') || name.startsWith('$') || EDITOR_ATTRIBUTES.includes(name);
}

export const LAUNCH_MEMBERS = {
  type: text({ description: 'Always `guestscope`.', default: 'guestscope' }),
  request: choice({
    description: 'What to do.',
    default: 'launch',
    values: { launch: 'Boot a guest.' },
  }),
  name: text({ description: 'Shown in the list of configurations.', default: 'Guest' }),
  guest,
  symbols: list(symbolFile, {
    description:
      'Files with symbols: the ELF the guest was made from (`vmlinux`), a `System.map`, modules (`.ko`), user programs; names, or objects with the address and the address space of a program.',
  }),
  sourceMap: dictionary(text({ description: 'Where it is here.', default: '' }), {
    description:
      'Folders that the guest was compiled in, and where they are on this computer: `{ "/build/linux": "${workspaceFolder}" }`.',
  }),
  machine,
  hypervisor,
  exitBreakpoints: list(exitBreakpoint, {
    description: 'Breakpoints on VM exits, set for every run of this configuration.',
  }),
  breakOn: list(breakOn, {
    description:
      'Events of the machine to stop at, set for every run of this configuration: names, or objects with a condition.',
  }),
  expect: list(
    required(
      text({
        description: 'Expression that must hold: `exits.CPUID == 12`, `console contains "login:"`.',
        default: undefined,
      }),
      'write an expression',
    ),
    {
      description:
        'What must hold when the guest has come to its end, for runs without an editor (`guestscope run`): expressions, in which `console` is what the guest has printed, `outcome` how it ended and `status` its exit code.',
    },
  ),
  stepping,
  stopOnEntry: flag({
    description: "Stop before the guest's first instruction.",
    default: true,
  }),
  console: choice({
    description: "Where the output of the guest's serial port COM1 goes.",
    default: 'integratedTerminal',
    values: {
      integratedTerminal: 'A terminal of the editor, in which one can type.',
      debugConsole: 'The debug console, for clients without a terminal of ours.',
    },
  }),
  recording: unavailable(),
  faults: unavailable(),
} satisfies Members;

/** The whole description; schema.ts turns it into the editor's schema. */
export const launchDescription = group(LAUNCH_MEMBERS, {
  description: 'Boots a guest.',
  ignored: belongsToEditor,
});

/** A validated launch configuration with every default filled in. */
export type LaunchConfiguration = GroupValue<typeof LAUNCH_MEMBERS>;

export type Reading<Configuration> =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly problems: readonly AdapterError[] };

/** Validates what the editor sent. Problems are in the order in which a reader would meet them. */
export function readLaunchConfiguration(value: unknown): Reading<LaunchConfiguration> {
  const problems: Problems = [];
  const configuration = launchDescription.read(value, '', problems);
  return problems.length === 0 ? { ok: true, configuration } : { ok: false, problems };
}
