/** The boot on this emulator, as launch.json's sample launches it: KVM's interface, nested paging. */
import { readFileSync } from 'node:fs';
import { Machine } from '../../../emulator/machine.ts';
import { cpuSeconds } from '../process-time.ts';
import type { LinuxBoot, LinuxOptions } from './boot.ts';

/** Instructions between two looks at the console. */
const SLICE = 1_000_000;
/** A boot that takes longer than this has gone wrong. */
const LIMIT = 20e9;

/** Throws an Error with the end of the console when the marker does not come. */
export function bootLinux(options: LinuxOptions): LinuxBoot {
  const before = { cpu: cpuSeconds(), wall: performance.now() };
  const machine = new Machine({
    guest: {
      kernel: readFileSync(options.kernel),
      kernelName: options.kernel,
      format: 'bzimage',
      initrd: readFileSync(options.initrd),
      commandLine: options.commandLine,
      loadAddress: 'auto',
    },
    memoryBytes: options.memory,
    cpuModel: 'pentium3',
    hypervisor: { interface: 'kvm', profile: 'kvm-ept', exits: {} },
    shared: false,
  });
  let text = '';
  while (!text.includes(options.marker)) {
    const stop = machine.run(SLICE, () => false);
    text = text.slice(-2000) + Buffer.from(machine.output.take()).toString('latin1');
    const goesOn = stop.kind === 'budget' || (stop.kind === 'idle' && stop.wakeAt !== Infinity);
    if (!goesOn || machine.cpu.retired > LIMIT) {
      throw new Error(`Linux did not come to its marker (${stop.kind}); its last words:\n${text}`);
    }
  }
  return {
    instructions: machine.cpu.retired,
    exits: machine.hypervisor.log.total,
    cpuSeconds: cpuSeconds() - before.cpu,
    wallSeconds: (performance.now() - before.wall) / 1000,
  };
}
