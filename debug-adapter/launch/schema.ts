/**
 * The launch configuration as the editor wants it (package.json, contributes.debuggers): the JSON schema
 * of launch.json and the snippets that "Add Configuration…" offers. Computed from the description in
 * launch-configuration.ts; whoever writes package.json calls this.
 */
import { attachDescription } from './attach-configuration.ts';
import type { JsonSchema } from './launch-attribute.ts';
import { launchDescription } from './launch-configuration.ts';

/** Attributes that the editor's own schema of launch.json already describes. */
const GIVEN_BY_EDITOR: readonly string[] = ['type', 'request', 'name'];

/** Value of contributes.debuggers[].configurationAttributes. */
export function configurationSchemas(): {
  readonly launch: JsonSchema;
  readonly attach: JsonSchema;
} {
  const attach = schemaOf(attachDescription.schema());
  return {
    launch: schemaOf(launchDescription.schema()),
    // over streams there is nothing to attach to
    attach: { ...attach, required: ['port'] },
  };
}

function schemaOf(schema: JsonSchema | null): JsonSchema {
  const { type = 'object', properties = {}, required = [] } = schema ?? {};
  const own = Object.entries(properties).filter(([name]) => !GIVEN_BY_EDITOR.includes(name));
  // Not closed: the editor adds members of its own at this level. The adapter refuses unknown ones.
  return { type, required, properties: Object.fromEntries(own) };
}

export interface ConfigurationSnippet {
  readonly label: string;
  readonly description: string;
  readonly body: { readonly [name: string]: unknown };
}

const FOLDER = '^"\\${workspaceFolder}/';

/**
 * Value of contributes.debuggers[].configurationSnippets: one for every kind of guest. Strings that
 * start with ^" are inserted as they are, so that ${workspaceFolder} stays a variable of the editor.
 */
export function configurationSnippets(): readonly ConfigurationSnippet[] {
  return [
    {
      label: 'Guestscope: Linux kernel (bzImage) under KVM',
      description:
        'Boots a Linux kernel and an initrd, and stops at the first CPUID of KVM’s leaf.',
      body: {
        type: 'guestscope',
        request: 'launch',
        name: 'Boot Linux under KVM',
        guest: {
          kernel: `${FOLDER}\${1:vmlinuz}"`,
          initrd: `${FOLDER}\${2:initrd.gz}"`,
          commandLine: 'console=ttyS0',
        },
        machine: { memory: '128M' },
        hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
        exitBreakpoints: [{ reason: 'CPUID', condition: 'leaf == 0x40000000' }],
        stopOnEntry: true,
        console: 'integratedTerminal',
      },
    },
    {
      label: 'Guestscope: multiboot kernel',
      description: 'Boots an ELF kernel with a multiboot 1 header, with its own symbols.',
      body: {
        type: 'guestscope',
        request: 'launch',
        name: 'Boot multiboot kernel',
        guest: {
          kernel: `${FOLDER}\${1:kernel.elf}"`,
          format: 'multiboot',
          modules: [],
          commandLine: '',
        },
        symbols: [`${FOLDER}\${1:kernel.elf}"`],
        hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
        stopOnEntry: true,
      },
    },
    {
      label: 'Guestscope: PVH kernel (vmlinux)',
      description: 'Boots an ELF kernel by its PVH entry, with its own symbols.',
      body: {
        type: 'guestscope',
        request: 'launch',
        name: 'Boot PVH kernel',
        guest: {
          kernel: `${FOLDER}\${1:vmlinux}"`,
          format: 'pvh',
          initrd: `${FOLDER}\${2:initrd.gz}"`,
          commandLine: 'console=ttyS0',
        },
        symbols: [`${FOLDER}\${1:vmlinux}"`],
        machine: { memory: '128M' },
        hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
        stopOnEntry: true,
      },
    },
    {
      label: 'Guestscope: disk, floppy, CD or boot sector (BIOS)',
      description: 'Boots a medium in SeaBIOS, which Debian has in its package seabios.',
      body: {
        type: 'guestscope',
        request: 'launch',
        name: 'Boot disk image',
        guest: { image: `${FOLDER}\${1:disk.img}"` },
        machine: { memory: '128M' },
        hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
        stopOnEntry: true,
        console: 'integratedTerminal',
      },
    },
    {
      label: 'Guestscope: flat binary',
      description: 'Loads raw bytes and enters them in real mode.',
      body: {
        type: 'guestscope',
        request: 'launch',
        name: 'Run flat binary',
        guest: { kernel: `${FOLDER}\${1:guest.bin}"`, format: 'flat', loadAddress: '0x7c00' },
        machine: { memory: '16M' },
        hypervisor: { interface: 'bare' },
        stopOnEntry: true,
      },
    },
    {
      label: 'Guestscope: attach to a guest at a server',
      description: 'Takes over a guest that another client has left at "adapter --port N".',
      body: {
        type: 'guestscope',
        request: 'attach',
        name: 'Attach to guest',
        host: '127.0.0.1',
        port: '^${1:4711}',
        guest: '${2:Boot Linux under KVM}',
        stopOnEntry: true,
      },
    },
  ];
}
