/**
 * South bridge Intel 82371SB, PIIX3 (data sheet 290550), and the power management function of its successor
 * 82371AB, PIIX4 (data sheet 290562), as PCI functions of device 1. Their chips stand in files of their own;
 * here is what software configures.
 *
 *   1.0 ISA bridge        60h-63h PIRQA-D route control, kept: no device of this board uses INTA# to INTD#
 *   1.3 power management  40h PMBASE: fixed at the ports of acpi-power.ts; 5Bh bit 1 APMC_EN; 80h PMREGMISC
 *
 * Not emulated: SMI. APMC_EN reads as set, from which firmware for emulators concludes that system management
 * mode is taken care of, and does without it. No SMBus, no USB.
 */
import { PM1A_EVENT_PORT } from './acpi-power.ts';
import { PciConfiguration } from './pci-function.ts';

const INTEL = 0x8086;
const DEVICE = 1;

export function piix3IsaBridge(): PciConfiguration {
  return new PciConfiguration('PIIX3 ISA bridge', {
    identity: {
      device: DEVICE,
      function: 0,
      vendorId: INTEL,
      deviceId: 0x7000,
      revision: 0,
      classCode: 0x060100,
      multifunction: true,
    },
    // I/O recovery, X-bus chip selects, PIRQ routes, top of memory, motherboard IRQs, DMA types
    values: [
      [0x04, [0x07, 0x00, 0x00, 0x02]],
      [0x4c, [0x4d, 0x00, 0x03, 0x00]],
      [0x60, [0x80, 0x80, 0x80, 0x80]],
      [0x69, [0x02]],
      [0x70, [0x80]],
      [0x76, [0x0c, 0x0c]],
    ],
    writable: [
      [0x04, [0x00]],
      [0x3c, [0x00]],
      [0x4c, [0x7f, 0x00, 0xff, 0x01]],
      [0x60, [0x8f, 0x8f, 0x8f, 0x8f]],
      [0x69, [0xfe, 0x03]],
      [0x70, [0xef]],
      [0x76, [0x8f, 0x8f]],
    ],
  });
}

export function piix4PowerManagement(): PciConfiguration {
  return new PciConfiguration('PIIX4 power management', {
    identity: {
      device: DEVICE,
      function: 3,
      vendorId: INTEL,
      deviceId: 0x7113,
      revision: 3,
      classCode: 0x068000,
      interruptPin: 1,
    },
    values: [
      [0x04, [0x00, 0x00, 0x80, 0x02]],
      [0x3c, [0x09]],
      [0x40, [PM1A_EVENT_PORT | 1, PM1A_EVENT_PORT >> 8]],
      [0x5b, [0x02]],
      [0x80, [0x01]],
    ],
  });
}
