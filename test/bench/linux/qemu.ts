/** The same boot on QEMU. */
import { qemuTime, startQemu } from '../qemu.ts';
import type { LinuxBoot, LinuxOptions } from './boot.ts';

/** Rejects when QEMU ends before the marker. */
export function bootOnQemu(options: LinuxOptions): Promise<LinuxBoot> {
  const start = performance.now();
  const qemu = startQemu([
    ...['-m', String(options.memory >> 20), '-kernel', options.kernel],
    ...['-initrd', options.initrd, '-append', options.commandLine],
  ]);
  return new Promise((resolve, reject) => {
    let text = '';
    qemu.once('exit', (code) => {
      reject(new Error(`QEMU ended with status ${String(code)} before Linux came to its marker.`));
    });
    qemu.stdout.on('data', (bytes: Buffer) => {
      text = text.slice(-options.marker.length) + bytes.toString('latin1');
      if (!text.includes(options.marker)) return;
      resolve({
        instructions: null,
        exits: null,
        cpuSeconds: qemuTime(qemu),
        wallSeconds: (performance.now() - start) / 1000,
      });
      qemu.kill('SIGKILL');
    });
  });
}
