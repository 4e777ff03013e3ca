/**
 * Address translation as guests see it, through executed instructions: who may read, write and fetch
 * what, error codes, accessed and dirty flags, large pages, PAE, and when a changed entry takes effect.
 * Expected values come from SDM vol. 3, chapter 4; each test names its section.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BareCpu } from './testing/bare-cpu.ts';
import { linear as linearAddress } from '../memory/address.ts';
import * as L from './layout.ts';
import { CR4 } from './state.ts';

// paging-structure entries (figure 4-4, table 4-19)
const P = 1;
const RW = 2;
const US = 4;
const A = 0x20;
const D = 0x40;
const PS = 0x80;
const G = 0x100;
const ALL = P | RW | US;
/** Execute-disable, in the upper half of an entry. */
const XD = 0x80000000;
// error code of #PF (figure 4-12)
const WRITE = 2;
const USER = 4;
const RESERVED = 8;
const FETCH = 16;

const DIRECTORY = 0x10000;
/** Maps the first 4 MiB to themselves: the test's own code. */
const OWN_TABLE = 0x11000;
const TABLE = 0x12000;
const CODE = 0x1000;
/** What the tests map: linear 0x400000 and up, to these pages. */
const LINEAR = 0x400000;
const PAGE_A = 0x20000;
const PAGE_B = 0x21000;
const EBX = 3;
const EAX = 0;

type Access = 'read' | 'write' | 'fetch';
/** The value read, 'done', or the #PF with error code and linear address. */
type Outcome = number | 'done' | { readonly error: number; readonly linear: number };

class Paged {
  readonly bare = new BareCpu(8 << 20);
  readonly state = this.bare.cpu.state;

  constructor({ cr4 = 0, wp = false } = {}) {
    const { bare, state } = this;
    this.entry(DIRECTORY, 0, OWN_TABLE | ALL);
    this.entry(DIRECTORY, LINEAR >>> 22, TABLE | ALL);
    for (let page = 0; page < 1024; page++) this.entry(OWN_TABLE, page, (page << 12) | ALL);
    for (const page of [PAGE_A, PAGE_B]) {
      bare.ram32[page >> 2] = page;
      // HLT after the dword, which a fetch comes to
      bare.ram[page + 16] = 0xf4;
    }
    state.setCr(3, DIRECTORY);
    state.setCr(4, cr4);
    state.setCr(0, wp ? 0x80010011 : 0x80000011);
    bare.cpu.modeChanged();
  }

  /** Entry `index` of a 32-bit paging structure. */
  entry(structure: number, index: number, value: number): void {
    this.bare.ram32[(structure >> 2) + index] = value;
  }
  /** 64-bit entry of PAE paging. */
  entry64(structure: number, index: number, low: number, high = 0): void {
    this.entry(structure, 2 * index, low);
    this.entry(structure, 2 * index + 1, high);
  }
  read(structure: number, index: number): number {
    return this.bare.ram32[(structure >> 2) + index] ?? 0;
  }

  /** Executes code until an event leaves; EBX and EAX as given. */
  execute(code: readonly number[], ebx: number, eax: number): Outcome {
    const { bare, state } = this;
    bare.load(CODE, [...code, 0xf4]);
    state.eip = CODE;
    state.setGpr(EBX, 4, ebx);
    state.setGpr(EAX, 4, eax);
    assert.equal(bare.runToExit(1000), 'exit');
    if (bare.event?.kind !== 'exception') return state.gpr(EAX, 4);
    const { vector, errorCode, qualification } = bare.exception;
    // HLT is privileged: at CPL 3 the end of the code is #GP
    if (vector === 13) return state.gpr(EAX, 4);
    assert.equal(vector, 14);
    return { error: errorCode ?? -1, linear: qualification };
  }
  access(access: Access, linear: number, value = 0x5a5a): Outcome {
    switch (access) {
      case 'read': // mov eax, [ebx]
        return this.execute([0x8b, 0x03], linear, 0);
      case 'write': // mov [ebx], eax
        return this.#done(this.execute([0x89, 0x03], linear, value));
      case 'fetch': // jmp ebx, to the HLT of the page
        return this.#done(this.execute([0xff, 0xe3], linear + 16, 0));
    }
  }
  #done(outcome: Outcome): Outcome {
    return typeof outcome === 'number' ? 'done' : outcome;
  }
}

const ACCESSES: readonly Access[] = ['read', 'write', 'fetch'];

test('access rights are those of directory and table entry together (4.6.1, 4.7)', () => {
  for (const wp of [false, true]) {
    const paged = new Paged({ wp });
    for (const cpl of [0, 3]) {
      paged.bare.setCpl(cpl);
      for (const pde of [P, P | RW, P | US, ALL]) {
        for (const pte of [P, P | RW, P | US, ALL]) {
          paged.entry(DIRECTORY, 1, TABLE | pde);
          paged.entry(TABLE, 0, PAGE_A | pte);
          const user = cpl === 3;
          for (const access of ACCESSES) {
            const bothUser = (pde & pte & US) !== 0;
            const bothWritable = (pde & pte & RW) !== 0;
            const allowed =
              (!user || bothUser) && (access !== 'write' || bothWritable || (!user && !wp));
            const error = P | (access === 'write' ? WRITE : 0) | (user ? USER : 0);
            const linear = LINEAR + (access === 'fetch' ? 16 : 0);
            const expected = allowed ? (access === 'read' ? PAGE_A : 'done') : { error, linear };
            paged.bare.ram32[PAGE_A >> 2] = PAGE_A;
            paged.bare.cpu.flushTlb(true);
            const name = `${access} CPL ${String(cpl)} WP ${String(wp)} PDE ${String(pde)} PTE ${String(pte)}`;
            assert.deepEqual(paged.access(access, LINEAR), expected, name);
          }
        }
      }
    }
  }
});

test('an entry that is not present gives an error code without P (4.7)', () => {
  const paged = new Paged();
  for (const missing of ['directory', 'table']) {
    paged.entry(DIRECTORY, 1, missing === 'directory' ? TABLE | (ALL & ~P) : TABLE | ALL);
    paged.entry(TABLE, 0, PAGE_A | (ALL & ~P));
    for (const cpl of [0, 3]) {
      paged.bare.setCpl(cpl);
      const user = cpl === 3 ? USER : 0;
      assert.deepEqual(paged.access('read', LINEAR + 4), { error: user, linear: LINEAR + 4 });
      assert.deepEqual(paged.access('write', LINEAR), { error: user | WRITE, linear: LINEAR });
      // I/D is 0 unless execute-disable is enabled
      assert.deepEqual(paged.access('fetch', LINEAR), { error: user, linear: LINEAR + 16 });
    }
  }
});

test('entries are marked accessed when used and dirty when written (4.8)', () => {
  const paged = new Paged();
  const flags = (): number[] => [paged.read(DIRECTORY, 1), paged.read(TABLE, 0)].map((e) => e & (A | D)); // prettier-ignore
  const reset = (): void => {
    paged.entry(DIRECTORY, 1, TABLE | ALL);
    paged.entry(TABLE, 0, PAGE_A | ALL);
    paged.bare.cpu.flushTlb(true);
  };
  reset();
  paged.access('read', LINEAR);
  assert.deepEqual(flags(), [A, A]);
  paged.access('write', LINEAR);
  assert.deepEqual(flags(), [A, A | D], 'a write through an entry that was read before');
  reset();
  paged.access('fetch', LINEAR);
  assert.deepEqual(flags(), [A, A]);
  reset();
  // add [ebx], eax
  paged.execute([0x01, 0x03], LINEAR, 1);
  assert.deepEqual(flags(), [A, A | D]);
  reset();
  paged.entry(TABLE, 0, PAGE_A | P | US);
  paged.bare.setCpl(3);
  paged.access('write', LINEAR);
  assert.deepEqual(flags(), [0, 0], 'a write that is not allowed');
  reset();
  paged.entry(TABLE, 0, PAGE_A | US);
  paged.access('read', LINEAR);
  assert.deepEqual(flags(), [0, 0], 'a page that is not there');
});

test('a debugger that looks changes no flag', () => {
  const paged = new Paged();
  paged.entry(TABLE, 0, PAGE_A | ALL);
  assert.equal(paged.bare.cpu.memory.peek(linearAddress(LINEAR + 5)), PAGE_A + 5);
  assert.deepEqual([paged.read(DIRECTORY, 1), paged.read(TABLE, 0)], [TABLE | ALL, PAGE_A | ALL]);
});

test('a page of 4 MiB is mapped by the directory where CR4.PSE is set (4.3)', () => {
  const paged = new Paged({ cr4: CR4.PSE });
  paged.entry(DIRECTORY, 1, ALL | PS);
  assert.equal(paged.access('read', LINEAR + PAGE_A), PAGE_A);
  assert.equal(paged.access('write', LINEAR + PAGE_B), 'done');
  assert.equal(paged.read(DIRECTORY, 1) & (A | D), A | D);
  // without PSE bit 7 of a directory entry is ignored
  const plain = new Paged();
  plain.entry(DIRECTORY, 1, TABLE | ALL | PS);
  plain.entry(TABLE, 0, PAGE_B | ALL);
  assert.equal(plain.access('read', LINEAR), PAGE_B);
});

test('reserved bits of a 4 MiB page fault with RSVD, before access rights (4.3, 4.7)', () => {
  const paged = new Paged({ cr4: CR4.PSE });
  paged.entry(DIRECTORY, 1, P | PS | (1 << 21));
  assert.deepEqual(paged.access('read', LINEAR), { error: P | RESERVED, linear: LINEAR });
  paged.bare.setCpl(3);
  assert.deepEqual(paged.access('write', LINEAR), {
    error: P | RESERVED | WRITE | USER,
    linear: LINEAR,
  });
});

test('PSE-36: bits 13 to 16 of a 4 MiB page are address bits 32 to 35 (4.3, table 4-4)', () => {
  const paged = new Paged({ cr4: CR4.PSE });
  paged.entry(DIRECTORY, 1, ALL | PS | (5 << 13));
  assert.equal(paged.access('read', LINEAR + 0x1234), 0xffffffff);
  assert.deepEqual(paged.bare.devices, [`read4 ${(5 * 2 ** 32 + 0x1234).toString(16)}`]);
  // bits 17 to 21 are reserved, with it as without
  for (let bit = 17; bit <= 21; bit++) {
    paged.entry(DIRECTORY, 1, ALL | PS | (1 << bit));
    paged.bare.cpu.flushTlb(true);
    assert.deepEqual(paged.access('read', LINEAR), { error: P | RESERVED, linear: LINEAR });
  }
});

test('with the A20 gate closed, data, code and paging structures lose address bit 20', () => {
  const paged = new Paged();
  const { bare } = paged;
  const MEBIBYTE = 1 << 20;
  bare.cpu.setA20(false);
  paged.entry(DIRECTORY, 1, (TABLE + MEBIBYTE) | ALL);
  paged.entry(TABLE, 0, (PAGE_A + MEBIBYTE) | ALL);
  assert.equal(paged.access('read', LINEAR), PAGE_A);
  assert.equal(paged.access('fetch', LINEAR), 'done');
  assert.equal(paged.access('write', LINEAR, 0x77), 'done');
  assert.equal(bare.ram32[PAGE_A >> 2], 0x77);
  assert.equal(paged.read(TABLE, 0) & (A | D), A | D);
  bare.cpu.setA20(true);
  assert.deepEqual(paged.access('read', LINEAR), { error: 0, linear: LINEAR });
});

test('an access to a page behind RAM reaches a device, once', () => {
  const paged = new Paged();
  paged.entry(TABLE, 0, 0xfee00000 | ALL);
  assert.equal(paged.access('read', LINEAR + 0x30), 0xffffffff);
  assert.equal(paged.access('write', LINEAR + 0x40, 7), 'done');
  // add [ebx], eax: one read, one write
  paged.execute([0x01, 0x03], LINEAR + 0x50, 1);
  // mov eax, [ebx] across the end of the page: the part that is a device bytewise
  paged.entry(TABLE, 1, PAGE_A | ALL);
  paged.access('read', LINEAR + 0xffe);
  assert.deepEqual(paged.bare.devices, [
    'read4 fee00030', 'write4 fee00040 7', 'read4 fee00050', 'write4 fee00050 0', 'read1 fee00ffe', 'read1 fee00fff',
  ]); // prettier-ignore
});

test('a string move that meets a missing page has moved all before it, and goes on later', () => {
  // vol. 2, REP: registers tell how far it came; cld; rep movsd with both sides across pages
  for (const slice of [1000, 1]) {
    const paged = new Paged();
    const { bare, state } = paged;
    const count = 3000;
    for (let page = 0; page < 4; page++) paged.entry(TABLE, page, (0x30000 + (page << 12)) | ALL);
    for (let n = 0; n < count; n++) bare.ram32[(0x50010 >> 2) + n] = n + 1;
    bare.load(CODE, [0xfc, 0xf3, 0xa5, 0xf4]);
    state.eip = CODE;
    state.setGpr(1, 4, count);
    state.setGpr(6, 4, 0x50010);
    // dwords that lie across the end of their pages
    state.setGpr(7, 4, LINEAR + 0x102);
    for (const missing of [2, 1]) {
      paged.entry(TABLE, missing, 0);
      bare.cpu.flushTlb(true);
    }
    for (const missing of [1, 2]) {
      assert.equal(bare.runToExit(slice), 'exit');
      const { vector, errorCode, qualification } = bare.exception;
      const linear = LINEAR + (missing << 12);
      assert.deepEqual([vector, errorCode, qualification], [14, WRITE, linear]);
      const done = (missing * 4096 - 0x102) >> 2;
      assert.equal(state.eip, CODE + 1);
      assert.deepEqual(
        [1, 6, 7].map((number) => state.gpr(number, 4)),
        [count - done, 0x50010 + 4 * done, LINEAR + 0x102 + 4 * done],
      );
      paged.entry(TABLE, missing, (0x30000 + (missing << 12)) | ALL);
    }
    assert.equal(bare.runToExit(slice), 'exit');
    assert.equal(state.gpr(1, 4), 0);
    const moved = new DataView(bare.ram.buffer, bare.ram.byteOffset + 0x30102, 4 * count);
    for (let n = 0; n < count; n++) assert.equal(moved.getUint32(4 * n, true), n + 1);
  }
});

// ---- when a changed entry takes effect (4.10)

const movCr3 = [0x0f, 0x22, 0xd8];
const movCr4 = [0x0f, 0x22, 0xe0];
const invlpg = [0x0f, 0x01, 0x3b];
const read = [0x8b, 0x03];

interface Change {
  readonly cr4?: number;
  /** Flags of the entry before and after. */
  readonly before?: number;
  readonly after?: number;
  /** The instruction that makes the change take effect, with ESI's value in EAX. */
  readonly drop: readonly number[];
  readonly esi?: number;
  /** Executed before and after it, with EBX in the page. */
  readonly use?: readonly number[];
}

/** Uses the page, maps it from A to B, and uses it again. */
function remap(change: Change): Outcome {
  const { cr4 = 0, before = ALL, after = ALL, drop, esi = DIRECTORY, use = read } = change;
  const paged = new Paged({ cr4 });
  paged.entry(TABLE, 0, PAGE_A | before);
  // mov eax, imm32; ret
  for (const page of [PAGE_A, PAGE_B]) paged.bare.ram.set([0xb8, 0, page >> 8, page >> 16, 0, 0xc3], page + 16); // prettier-ignore
  paged.state.setGpr(1, 4, TABLE);
  paged.state.setGpr(2, 4, after === 0 ? 0 : PAGE_B | after);
  paged.state.setGpr(4, 4, 0x9000);
  paged.state.setGpr(6, 4, esi);
  // mov [ecx], edx; mov eax, esi
  return paged.execute([...use, 0x89, 0x11, 0x89, 0xf0, ...drop, ...use], LINEAR, 0);
}

test('INVLPG and MOV CR3 make changed entries take effect for data and code (4.10.4.1)', () => {
  // the manual allows a processor to keep old entries; that this one does gives the rest a meaning
  assert.equal(remap({ drop: [] }), PAGE_A);
  // lea edi, [ebx + 16]; call edi
  const call = [0x8d, 0x7b, 0x10, 0xff, 0xd7];
  for (const drop of [invlpg, movCr3]) {
    assert.equal(remap({ drop }), PAGE_B);
    assert.equal(remap({ drop, use: call }), PAGE_B);
    assert.deepEqual(remap({ drop, after: 0 }), { error: 0, linear: LINEAR });
    assert.deepEqual(remap({ drop, after: 0, use: call }), { error: 0, linear: LINEAR + 16 });
  }
});

test('INVLPG of one address drops a whole large page (4.10.4.1)', () => {
  const paged = new Paged({ cr4: CR4.PSE });
  const { bare, state } = paged;
  paged.entry(DIRECTORY, 1, ALL | PS);
  paged.entry(TABLE, PAGE_A >> 12, PAGE_B | ALL);
  state.setGpr(1, 4, DIRECTORY + 4);
  state.setGpr(2, 4, TABLE | ALL);
  // mov eax, [ebx]; the same linear addresses through a table; invlpg [ebx + 0x45000]; mov eax, [ebx]
  const drop = [0x0f, 0x01, 0xbb, 0x00, 0x50, 0x04, 0x00];
  const ebx = LINEAR + PAGE_A;
  assert.equal(paged.execute([...read, 0x89, 0x11, ...drop, ...read], ebx, 0), PAGE_B);
  assert.equal(bare.ram32[(DIRECTORY >> 2) + 1], TABLE | ALL | A);
});

test('a global page is dropped by INVLPG and by a change of CR4.PGE, not by MOV CR3 (4.10.2.4)', () => {
  const global = { cr4: CR4.PGE, before: ALL | G, after: ALL | G } as const;
  assert.equal(remap({ ...global, drop: movCr3 }), PAGE_A, 'see above');
  assert.equal(
    remap({ ...global, cr4: 0, drop: movCr3 }),
    PAGE_B,
    'without PGE the bit is ignored',
  );
  assert.equal(remap({ ...global, drop: invlpg }), PAGE_B);
  assert.equal(remap({ ...global, drop: movCr4, esi: 0 }), PAGE_B);
});

test('CR0.WP takes effect at once (4.10.4.1)', () => {
  const paged = new Paged();
  paged.entry(TABLE, 0, PAGE_A | P);
  const write = [0x89, 0x03];
  const movCr0 = [0x0f, 0x22, 0xc0];
  const eax = 0x80010011;
  // written without WP, not with it
  assert.deepEqual(paged.execute([...write, ...movCr0, ...write], LINEAR, eax), {
    error: P | WRITE,
    linear: LINEAR,
  });
  assert.equal(paged.bare.ram32[PAGE_A >> 2], eax);
});

test('user and supervisor accesses through the same address keep apart', () => {
  const paged = new Paged();
  paged.entry(TABLE, 0, PAGE_A | P | RW);
  for (let round = 0; round < 2; round++) {
    paged.bare.setCpl(0);
    assert.equal(paged.access('read', LINEAR), PAGE_A);
    paged.bare.setCpl(3);
    assert.deepEqual(paged.access('read', LINEAR), { error: P | USER, linear: LINEAR });
    assert.deepEqual(paged.access('fetch', LINEAR), { error: P | USER, linear: LINEAR + 16 });
  }
});

// ---- PAE paging (4.4)

const NXE = 1 << 11;
const PDPT = 0x14000;
const PAE_DIRECTORY = 0x15000;
const PAE_OWN = 0x16000;
const PAE_TABLE = 0x17000;

function paePaged({ nxe = true } = {}): Paged {
  const paged = new Paged({ cr4: CR4.PAE });
  const { bare, state } = paged;
  paged.entry64(PAE_DIRECTORY, 0, PAE_OWN | ALL);
  for (let page = 0; page < 512; page++) paged.entry64(PAE_OWN, page, (page << 12) | ALL);
  // 0x400000 is entry 2 of the directory
  paged.entry64(PAE_DIRECTORY, 2, PAE_TABLE | ALL);
  paged.entry64(PAE_TABLE, 0, PAGE_A | ALL);
  state.set(L.PDPTE, PAE_DIRECTORY | P);
  if (nxe) state.set(L.EFER, NXE);
  state.setCr(3, PDPT);
  bare.cpu.modeChanged();
  return paged;
}

test('PAE: 4 KiB pages, 2 MiB pages and the page-directory-pointer entries (4.4.2)', () => {
  const paged = paePaged();
  assert.equal(paged.access('read', LINEAR), PAGE_A);
  assert.equal(paged.read(PAE_TABLE, 0) & (A | D), A);
  paged.entry64(PAE_DIRECTORY, 2, ALL | PS);
  paged.bare.cpu.flushTlb(true);
  assert.equal(paged.access('write', LINEAR + PAGE_B), 'done');
  assert.equal(paged.read(PAE_DIRECTORY, 4) & (A | D), A | D);
  const linear = 0x40000000;
  assert.deepEqual(paged.access('read', linear), { error: 0, linear });
  paged.bare.cpu.state.set(L.PDPTE + 8, PAE_DIRECTORY | P);
  assert.equal(paged.access('read', linear + LINEAR + PAGE_A), PAGE_A);
});

test('PAE: execute-disable at either level forbids fetches and nothing else (4.6.1)', () => {
  for (const level of ['directory', 'table']) {
    const paged = paePaged();
    paged.entry64(PAE_DIRECTORY, 2, PAE_TABLE | ALL, level === 'directory' ? XD : 0);
    paged.entry64(PAE_TABLE, 0, PAGE_A | ALL, level === 'table' ? XD : 0);
    assert.equal(paged.access('read', LINEAR), PAGE_A);
    assert.equal(paged.access('write', LINEAR, PAGE_A), 'done');
    const linear = LINEAR + 16;
    assert.deepEqual(paged.access('fetch', LINEAR), { error: P | FETCH, linear });
    paged.bare.setCpl(3);
    assert.deepEqual(paged.access('fetch', LINEAR), { error: P | FETCH | USER, linear });
  }
});

test('PAE: without IA32_EFER.NXE bit 63 is reserved; so are bits 62 to 36 (4.4.2)', () => {
  const paged = paePaged({ nxe: false });
  const reserved = { error: P | RESERVED, linear: LINEAR };
  for (const high of [XD, 1 << 30, 1 << 4]) {
    paged.entry64(PAE_TABLE, 0, PAGE_A | ALL, high);
    assert.deepEqual(paged.access('read', LINEAR), reserved, high.toString(16));
  }
  // bits 20 to 13 of a 2 MiB page
  for (const bit of [13, 20]) {
    paged.entry64(PAE_DIRECTORY, 2, ALL | PS | (1 << bit));
    assert.deepEqual(paged.access('read', LINEAR), reserved, `bit ${String(bit)}`);
  }
});

test('PAE: physical addresses of more than 32 bits are outside RAM', () => {
  const paged = paePaged();
  paged.entry64(PAE_TABLE, 0, PAGE_A | ALL, 1);
  assert.equal(paged.access('read', LINEAR), 0xffffffff);
  assert.deepEqual(paged.bare.devices, ['read4 100020000']);
});
