/**
 * A guest that no firmware boots: what the configuration names is put into RAM by the loader of its format
 * (loaders/), beside the ACPI tables, which firmware would have left there.
 */
import { told } from './checked-configuration.ts';
import type { MachineConfiguration } from './debug-port.ts';
import type { PcBoard } from './devices/pc-board.ts';
import { MEMORY_TYPE, pcMemoryMap } from './formats/e820.ts';
import type { GuestRam, LoadedGuest } from './loaders/loader.ts';
import { loadGuest } from './loaders/loaders.ts';

/** Throws ConfigurationError. */
export function loadConfigured(
  { guest, memoryBytes }: MachineConfiguration,
  ram: GuestRam,
  { acpiTables }: PcBoard,
): LoadedGuest {
  const reserved = {
    address: acpiTables.address, size: acpiTables.bytes.length, type: MEMORY_TYPE.ACPI,
  }; // prettier-ignore
  return told(() => {
    ram.write(acpiTables.address, acpiTables.bytes);
    return loadGuest(
      {
        image: guest.kernel,
        imageName: guest.kernelName,
        ...(guest.initrd && { initrd: guest.initrd }),
        ...(guest.modules && { modules: guest.modules }),
        ...(guest.entry && { entry: guest.entry }),
        commandLine: guest.commandLine,
        loadAddress: guest.loadAddress,
        ram,
        memoryMap: pcMemoryMap(memoryBytes, [reserved]),
        acpiRsdp: acpiTables.rsdpAddress,
      },
      guest.format,
    );
  });
}
