/**
 * Builds our own guests from their source with the GNU assembler, linker and C compiler: the story, whose
 * source, raw binary and ELF file (for its symbols) lie together in extension/sample/story, the
 * misbehaving guests of test/guests/bad, those for VM exits of test/guests/exits, for KVM's interface of
 * test/guests/kvm and for shadow paging of test/guests/shadow, kernels that move or have paravirt hooks, of
 * test/guests/moved and test/guests/hooks, two programs in address spaces of their own, of
 * test/guests/spaces, programs with every kind of type and with calls of every kind, of test/guests/types,
 * one with deep stacks of test/guests/stacks, the one for several processors of test/guests/smp, the boot
 * sector of test/guests/boot, the BIOS services of
 * emulator/firmware and a program that calls them. The results are committed, so that nothing but Node is
 * needed to run them; build.test.ts proves that they come from the source beside them.
 *
 *   npx tsx test/guests/build.ts         builds all in place
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VARIANT_NAMES, VARIANTS } from './stacks/variants.ts';
import { CALL_VERSIONS, OPTIMIZATIONS } from './types/expressions.ts';

const HERE = path.dirname(fileURLToPath(import.meta.url));
/** Source and results of the story. */
export const STORY = path.resolve(HERE, '../../extension/sample/story');
/** Source of the misbehaving guests; results in `built` below. */
export const BAD = path.join(HERE, 'bad');
export const BAD_BUILT = path.join(BAD, 'built');
/** Source of the guests for VM exits, one for each reason or group; results in `built` below. */
export const EXITS = path.join(HERE, 'exits');
export const EXITS_BUILT = path.join(EXITS, 'built');
/** Source of the guests for KVM's interface; results in `built` below. */
export const KVM = path.join(HERE, 'kvm');
export const KVM_BUILT = path.join(KVM, 'built');
/** Source of the guests for shadow paging; results in `built` below. */
export const SHADOW = path.join(HERE, 'shadow');
export const SHADOW_BUILT = path.join(SHADOW, 'built');
/** Source of the guest for several processors; its binary in `built` below. */
export const SMP = path.join(HERE, 'smp');
export const SMP_BUILT = path.join(SMP, 'built');

/** Source of a kernel that runs elsewhere than it was linked; its image and ELF file in `built` below. */
export const MOVED = path.join(HERE, 'moved');
export const MOVED_BUILT = path.join(MOVED, 'built');

/** Source of kernels with paravirt hooks; their images and ELF files in `built` below. */
export const HOOKS = path.join(HERE, 'hooks');
export const HOOKS_BUILT = path.join(HOOKS, 'built');
/** The forms of the tables: that of 2.6.20, and today's. */
export const HOOK_KERNELS = ['first', 'today'] as const;

/** Source of a kernel with two programs at the same linear address; ELF files in `built` below. */
export const SPACES = path.join(HERE, 'spaces');
export const SPACES_BUILT = path.join(SPACES, 'built');

/** Links programs in C as Multiboot kernels. */
const SCRIPT = path.join(HERE, 'kernel.ld');

/** Sources of programs with every kind of type, and of call; their ELF files, and gdb's answers, in `built` below. */
export const TYPES = path.join(HERE, 'types');
export const TYPES_BUILT = path.join(TYPES, 'built');

/** Source of a program with deep stacks; its ELF files in `built` below. */
export const STACKS = path.join(HERE, 'stacks');
export const STACKS_BUILT = path.join(STACKS, 'built');

/** Source and binary of the boot sector for machines with firmware. */
export const BOOT = path.join(HERE, 'boot');

/** Source of the BIOS services, and the module with their bytes. */
const SERVICES = path.resolve(HERE, '../../emulator/firmware');
/** A program that calls them all. */
export const SERVICES_CALLER = path.join(HERE, 'services');
export const SERVICES_MODULE = path.join(SERVICES, 'services-bytes.ts');

/** In the order in which they lie in memory; real-mode.s begins with the boot sector. */
const STORY_PARTS = ['real-mode', 'story', 'serial', 'paging', 'interrupts', 'hooks'] as const;

/** Files that end so are included by others, not assembled alone. */
const INCLUDED = '.inc.s';

/** Null when the guests can be built here, else the reason why not. */
export function cannotBuild(): string | null {
  for (const tool of ['as', 'ld', 'objcopy']) {
    const { error, stdout } = spawnSync(tool, ['--version'], { encoding: 'utf8' });
    if (error !== undefined || !stdout.startsWith('GNU ')) {
      return `there is no GNU ${tool} on the PATH (package binutils)`;
    }
  }
  return null;
}

/** Writes story.bin and story.elf into `target`. */
export function buildStory(target: string): void {
  inTemporaryFolder((work) => {
    const objects = STORY_PARTS.map((part) => assemble(path.join(STORY, `${part}.s`), work));
    link(objects, path.join(STORY, 'story.ld'), path.join(target, 'story'));
  });
}

/** Writes moved.bin and moved.elf into `target`. */
export function buildMovedKernel(target: string): void {
  inTemporaryFolder((work) => {
    const object = assemble(path.join(MOVED, 'moved.s'), work);
    link([object], path.join(MOVED, 'moved.ld'), path.join(target, 'moved'));
  });
}

/** Null when guests in C can be built here, else the reason why not. */
export function cannotCompile(): string | null {
  const { error } = spawnSync('gcc', ['--version'], { encoding: 'utf8' });
  return cannotBuild() ?? (error === undefined ? null : 'there is no gcc on the PATH');
}

/** Writes NAME.bin and NAME.elf of both into `target`. */
export function buildHookKernels(target: string): void {
  inTemporaryFolder((work) => {
    for (const name of HOOK_KERNELS) {
      const tables = path.join(work, `${name}-tables.o`);
      const language = ['-m32', '-std=gnu11', '-ffreestanding', '-fno-pic', '-fno-toplevel-reorder', '-O1', '-gdwarf-4', '-Wall', '-Werror']; // prettier-ignore
      run('gcc', [...language, `-fdebug-prefix-map=${HOOKS}=.`, '-c', `${name}.c`, '-o', tables], HOOKS); // prettier-ignore
      const code = assemble(path.join(HOOKS, `${name}.s`), work, [MOVED]);
      link([code, tables], path.join(HOOKS, 'hooks.ld'), path.join(target, name));
    }
  });
}

/** Writes types-O0.elf, types-O2.elf, calls-4.elf and calls-5.elf into `target`. */
export function buildTypes(target: string): void {
  for (const optimization of OPTIMIZATIONS)
    compileKernel(TYPES, 'types', path.join(target, `types-${optimization}.elf`), [`-${optimization}`, '-gdwarf-5']); // prettier-ignore
  // with arguments in registers, as Linux has them
  for (const version of CALL_VERSIONS)
    compileKernel(TYPES, 'calls', path.join(target, `calls-${version}.elf`), ['-O2', `-gdwarf-${version}`, '-mregparm=3']); // prettier-ignore
}

/** Writes an ELF file for each of VARIANTS into `target`. */
export function buildStacks(target: string): void {
  for (const variant of VARIANT_NAMES)
    compileKernel(STACKS, 'stacks', path.join(target, `stacks-${variant}.elf`), [...VARIANTS[variant], '-gdwarf-5']); // prettier-ignore
}

/** Compiles NAME.c of a folder as a Multiboot kernel with debugging information. */
function compileKernel(
  folder: string,
  name: string,
  target: string,
  flags: readonly string[],
): void {
  const language = ['-m32', '-std=gnu11', '-ffreestanding', '-fno-pic', '-fno-stack-protector', '-fcf-protection=none', '-fno-toplevel-reorder', ...flags]; // prettier-ignore
  const linking = ['-nostdlib', '-no-pie', '-static', `-Wl,-T,${SCRIPT}`, '-Wl,--build-id=none'];
  run('gcc', [...language, ...linking, `-fdebug-prefix-map=${folder}=.`, `${name}.c`, '-o', target], folder); // prettier-ignore
  chmodSync(target, 0o644);
}

/** Writes first.elf and second.elf, the programs, and spaces.elf, the kernel that has them in it. */
export function buildSpaces(target: string): void {
  const programs = [
    { name: 'first', base: 0x08048000, flags: ['-DFIRST', '-fno-pic'] },
    { name: 'second', base: 0, flags: ['-fpie'] },
  ];
  inTemporaryFolder((work) => {
    for (const { name, base, flags } of programs) {
      const object = path.join(work, `${name}.o`);
      const language = ['-m32', '-std=gnu11', '-ffreestanding', '-fno-stack-protector', '-fcf-protection=none', '-gdwarf-4', '-Wall', '-Werror']; // prettier-ignore
      run('gcc', [...language, ...flags, `-fdebug-prefix-map=${SPACES}=.`, '-c', 'program.c', '-o', object], SPACES); // prettier-ignore
      link([object], path.join(SPACES, 'program.ld'), path.join(work, name), [`--defsym=BASE=${base}`]); // prettier-ignore
    }
    const kernel = assemble(path.join(SPACES, 'spaces.s'), work, [work]);
    link([kernel], path.join(SPACES, 'spaces.ld'), path.join(work, 'spaces'));
    for (const name of ['first.elf', 'second.elf', 'spaces.elf'])
      copyFileSync(path.join(work, name), path.join(target, name));
  });
}

/** Writes an ELF file and the raw image in it, NAME.elf and NAME.bin. */
function link(
  objects: readonly string[],
  script: string,
  name: string,
  options: readonly string[] = [],
): void {
  run('ld', ['-m', 'elf_i386', ...options, '-T', script, '-o', `${name}.elf`, ...objects]);
  run('objcopy', ['-O', 'binary', `${name}.elf`, `${name}.bin`]);
  // ld makes programs executable; these are for no operating system
  for (const ending of ['elf', 'bin']) chmodSync(`${name}.${ending}`, 0o644);
}

/** Writes calls.bin, the program that calls the BIOS services, into `target`. */
export function buildServicesCaller(target: string): void {
  inTemporaryFolder((work) => {
    const object = assemble(path.join(SERVICES_CALLER, 'calls.s'), work);
    const binary = path.join(target, 'calls.bin');
    run('ld', ['-m', 'elf_i386', '-Ttext=0', '--oformat=binary', '-e', '0', '-o', binary, object]);
    chmodSync(binary, 0o644);
  });
}

/** The module with the bytes of the BIOS services, as text. */
export function buildServices(): string {
  let bytes = Buffer.alloc(0);
  inTemporaryFolder((work) => {
    const object = assemble(path.join(SERVICES, 'services.s'), work);
    const binary = path.join(work, 'services.bin');
    run('ld', ['-m', 'elf_i386', '-Ttext=0xf000', '--oformat=binary', '-e', 'start', '-o', binary, object]); // prettier-ignore
    bytes = readFileSync(binary);
  });
  const lines = bytes.toString('hex').match(/.{1,94}/g) ?? [];
  return [
    '/** The bytes of services.s, made from it by test/guests/build.ts. */',
    '// prettier-ignore',
    'export const SERVICES_HEX =',
    lines.map((line) => `  '${line}'`).join(' +\n') + ';',
    '',
  ].join('\n');
}

/** Names of the guests in a folder, of which each is one source. */
export function guestsIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.s') && !name.endsWith(INCLUDED))
    .map((name) => name.slice(0, -2))
    .sort();
}

/** Writes one NAME.bin for each guest of a folder into `target`; all start at 0x7c00 in real mode. */
export function buildGuestsIn(folder: string, target: string): void {
  inTemporaryFolder((work) => {
    for (const name of guestsIn(folder)) {
      buildFlat(path.join(folder, `${name}.s`), path.join(target, `${name}.bin`), work);
    }
  });
}

/** Writes smp.bin into `target`; it starts as they do. */
export function buildSmpGuest(target: string): void {
  inTemporaryFolder((work) => {
    buildFlat(path.join(SMP, 'smp.s'), path.join(target, 'smp.bin'), work);
  });
}

/** Writes boot.bin, the boot sector and the sector behind it, into `target`. */
export function buildBootSector(target: string): void {
  inTemporaryFolder((work) => {
    buildFlat(path.join(BOOT, 'boot.s'), path.join(target, 'boot.bin'), work);
  });
}

function buildFlat(source: string, binary: string, work: string): void {
  const object = assemble(source, work);
  run('ld', ['-m', 'elf_i386', '-Ttext=0x7c00', '--oformat=binary', '-e', 'start', '-o', binary, object]); // prettier-ignore
  chmodSync(binary, 0o644);
}

/**
 * Debugging information names the source by its folder's name alone, wherever the checkout is.
 * @param included folders of more files that it includes
 */
export function assemble(source: string, work: string, included: readonly string[] = []): string {
  const folder = path.dirname(source);
  const object = path.join(work, `${path.basename(source, '.s')}.o`);
  run(
    'as',
    [
      ...['--32', '--fatal-warnings', '--gdwarf-4'],
      ...[folder, ...included].flatMap((each) => [`--debug-prefix-map=${each}=.`, '-I', each]),
      ...['-o', object, path.basename(source)],
    ],
    folder,
  );
  return object;
}

export function run(tool: string, toolArguments: readonly string[], cwd?: string): void {
  execFileSync(tool, toolArguments, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

export function inTemporaryFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestscope-guests-'));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = cannotBuild();
  if (problem !== null) {
    console.error(`The guests cannot be built: ${problem}.`);
    process.exitCode = 1;
  } else {
    buildStory(STORY);
    buildGuestsIn(BAD, BAD_BUILT);
    buildGuestsIn(EXITS, EXITS_BUILT);
    buildGuestsIn(KVM, KVM_BUILT);
    buildGuestsIn(SHADOW, SHADOW_BUILT);
    buildSmpGuest(SMP_BUILT);
    buildMovedKernel(MOVED_BUILT);
    if (cannotCompile() === null) buildHookKernels(HOOKS_BUILT);
    if (cannotCompile() === null) buildTypes(TYPES_BUILT);
    if (cannotCompile() === null) buildSpaces(SPACES_BUILT);
    if (cannotCompile() === null) buildStacks(STACKS_BUILT);
    buildBootSector(BOOT);
    writeFileSync(SERVICES_MODULE, buildServices());
    buildServicesCaller(SERVICES_CALLER);
  }
}
