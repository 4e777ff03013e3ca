/**
 * From a launch configuration to what the machine is built of: the files are read, the symbols parsed,
 * and the words of launch.json become the emulator's MachineConfiguration.
 */
import type { KvmConfiguration, MachineConfiguration } from '../../emulator/debug-port.ts';
import { defaultProfile } from '../../emulator/hypervisor/profiles.ts';
import type { AttachConfiguration } from './attach-configuration.ts';
import { readAttachConfiguration } from './attach-configuration.ts';
import { failure } from '../errors.ts';
import type { Files } from '../host/files.ts';
import { firmwareFile, videoFirmwareFile } from './firmware-files.ts';
import { readNamedFile } from '../host/files.ts';
import type { LaunchConfiguration, Reading } from './launch-configuration.ts';
import { readLaunchConfiguration } from './launch-configuration.ts';

/** Problems named in one error. */
const PROBLEMS_SHOWN = 3;

/** Validates the arguments of launch or restart; throws the numbered error for what is wrong. */
export function checkedConfiguration(raw: unknown): LaunchConfiguration {
  return checked(readLaunchConfiguration(raw));
}

/** The same for those of attach. */
export function checkedAttachment(raw: unknown): AttachConfiguration {
  return checked(readAttachConfiguration(raw));
}

/** The configuration of a guest that was taken over: breakpoints are the new client's. */
export function asAttached(
  launched: LaunchConfiguration,
  { exitBreakpoints, breakOn, symbols, sourceMap, console }: AttachConfiguration,
): LaunchConfiguration {
  const own = symbols.length > 0 ? { symbols, sourceMap } : {};
  return { ...launched, exitBreakpoints, breakOn, console, ...own };
}

function checked<Configuration>(result: Reading<Configuration>): Configuration {
  if (result.ok) return result.configuration;
  const [first] = result.problems;
  if (first !== undefined && result.problems.length === 1) throw first;
  const shown = result.problems.slice(0, PROBLEMS_SHOWN).map((problem) => problem.message);
  const more = result.problems.length - shown.length;
  const rest = more > 0 ? ` (and ${more} more)` : '';
  throw failure('configurationSeveral', { problems: shown.join(' ') + rest });
}

export async function machineConfiguration(
  configuration: LaunchConfiguration,
  files: Files,
): Promise<MachineConfiguration> {
  const { guest, machine, hypervisor } = configuration;
  const [kernelName, bios] = await whatToBoot(guest, files);
  const attribute = bios === undefined ? 'guest.kernel' : 'guest.image';
  const kernel = await readNamedFile(files, attribute, kernelName);
  const initrd =
    guest.initrd === undefined
      ? undefined
      : await readNamedFile(files, 'guest.initrd', guest.initrd);
  const modules = await Promise.all(
    guest.modules.map(async ({ file, commandLine }, index) => ({
      bytes: await readNamedFile(files, `guest.modules[${index}]`, file),
      name: file,
      commandLine,
    })),
  );
  return {
    guest: {
      kernel,
      kernelName,
      format: bios === undefined ? guest.format : 'bios',
      ...(bios !== undefined && { bios }),
      ...(initrd !== undefined && { initrd }),
      ...(modules.length > 0 && { modules }),
      commandLine: guest.commandLine,
      entry: guest.entry,
      loadAddress: guest.loadAddress,
    },
    memoryBytes: machine.memory,
    vcpus: machine.vcpus,
    cpuModel: machine.cpu,
    testDevice: machine.testDevice,
    ...(!machine.compiledTier && { hotness: null }),
    hypervisor: {
      interface: hypervisor.interface,
      profile: hypervisor.profile ?? defaultProfile(hypervisor.interface),
      exits: hypervisor.exits,
      ...kvmOf(configuration),
      log: { capacity: hypervisor.log.capacity, statistics: hypervisor.log.statistics },
    },
    shared: false,
  };
}

/** What differs from KVM's interface as it usually is; nothing else is handed on. */
function kvmOf({ hypervisor, machine }: LaunchConfiguration): { readonly kvm?: KvmConfiguration } {
  const { features, asyncPageFaults } = hypervisor.kvm;
  const isShort = asyncPageFaults.every > 0 || asyncPageFaults.resident < machine.memory;
  if (!isShort && Object.keys(features).length === 0) return {};
  return { kvm: { features, ...(isShort && { asyncPageFaults }) } };
}

type Guest = LaunchConfiguration['guest'];
type Bios = NonNullable<MachineConfiguration['guest']['bios']>;

/** The file that is booted, and the firmware if that boots it. */
async function whatToBoot(guest: Guest, files: Files): Promise<[string, Bios | undefined]> {
  const { kernel, image, format } = guest;
  if (image === undefined) {
    if (format !== 'bios') return [kernel ?? '', undefined];
    throw failure('configurationRefused', {
      attribute: 'guest.format',
      problem:
        'A BIOS boots a medium: name it in "guest.image" instead of "guest.kernel", or write "auto" here.',
    });
  }
  if (format !== 'auto' && format !== 'bios') {
    throw failure('configurationRefused', {
      attribute: 'guest.format',
      problem: `"guest.image" is booted by a BIOS, and "${format}" is a format of "guest.kernel": write "auto" here, or name the file there.`,
    });
  }
  const firmware = await firmwareFile(guest.firmware, files);
  const video = await videoFirmwareFile(guest.videoFirmware, files);
  const bios = {
    medium: guest.medium,
    firmware: firmware.bytes,
    firmwareName: firmware.name,
    ...(video !== null && { videoRom: video.bytes }),
  };
  return [image, bios];
}
