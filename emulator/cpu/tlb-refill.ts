/**
 * The refill of the data TLBs as emitted WebAssembly: what the page walk (paging.ts) finds in plain RAM is
 * entered, so that the next access needs no help; tlb.ts drops it again.
 */
import {
  PAGE_FLAG,
  TLB_ENTRIES,
  TLB_LIST,
  TLB_WRITE,
  type MemoryMap,
} from '../memory/memory-map.ts';
import { FunctionBody, type Local } from '../wasm/assembler.ts';
import * as L from './layout.ts';
import { WALK_FLAG, WALK_MODE } from './paging.ts';

/** Pushes whether the page of `linear` has an enabled breakpoint on data (DR0 to DR3). */
function emitHasBreakpoint(body: FunctionBody, map: MemoryMap, linear: Local): void {
  const state = (offset: number): FunctionBody => body.i32(0).load(map.vcpu + offset);
  const found = body.local();
  body.i32(0).set(found);
  state(L.DATA_BREAKPOINTS);
  body.if();
  for (let n = 0; n < 4; n++) {
    state(L.DATA_BREAKPOINTS).i32(n).op('shrU').i32(1).op('and');
    state(L.DR + 8 * n)
      .get(linear)
      .op('xor')
      .i32(12)
      .op('shrU')
      .op('eqz')
      .op('and');
    body.get(found).op('or').set(found);
  }
  body.end();
  body.get(found);
}

/** Pushes whether a debugger watches the page of `linear`. */
function emitIsWatched(body: FunctionBody, map: MemoryMap, linear: Local): void {
  const found = body.local();
  body.i32(0).set(found);
  body.i32(0).load(map.vcpu + L.WATCHING);
  body.if();
  body.get(linear).i32(15).op('shrU').load8U(map.watchedPages);
  body.get(linear).i32(12).op('shrU').i32(7).op('and').op('shrU').i32(1).op('and').set(found);
  body.end();
  body.get(found);
}

/**
 * fill(linear, write): enters the page into the TLB of the current privilege and returns 1, or returns 0
 * when the access must be made in TypeScript: a fault, a device, a watched page. It returns 2 with
 * WALK_PHYS when a write is allowed but the page holds translated code, so that each must be looked at.
 */
export function emitFill(map: MemoryMap, walk: number): FunctionBody {
  const body = new FunctionBody(2);
  const linear = body.parameter(0);
  const write = body.parameter(1);
  const physical = body.local();
  const flags = body.local();
  const slot = body.local();
  const list = body.local();
  const count = body.local();
  const state = (offset: number): FunctionBody => body.i32(0).load(map.vcpu + offset);
  const refuse = (): void => {
    body.if();
    body.i32(0).op('return');
    body.end();
  };
  state(L.WALK_MODE)
    .i32(WALK_MODE.A20_MASKED | WALK_MODE.ALIGNED | WALK_MODE.EMULATED)
    .op('and');
  refuse();
  emitHasBreakpoint(body, map, linear);
  refuse();
  emitIsWatched(body, map, linear);
  refuse();
  body.get(linear).get(write);
  state(L.CPL).i32(3).op('eq').i32(1).op('shl').op('or').call(walk);
  refuse();
  state(L.WALK_PHYS_HIGH);
  refuse();
  state(L.WALK_PHYS).tee(physical);
  state(L.RAM_SIZE).op('geU');
  refuse();
  body.get(physical).i32(12).op('shrU').load8U(map.pageFlags);
  const noRam = PAGE_FLAG.DEVICE | PAGE_FLAG.ABSENT | PAGE_FLAG.PROTECTED;
  body.i32(
    PAGE_FLAG.CODE | PAGE_FLAG.WATCH_WRITE | PAGE_FLAG.READ_ONLY | PAGE_FLAG.SHADOWED | noRam,
  ); // prettier-ignore
  body
    .i32(PAGE_FLAG.WATCH_READ | noRam)
    .get(write)
    .op('select')
    .op('and')
    .tee(flags);
  body.if();
  body.get(flags).i32(PAGE_FLAG.CODE).op('eq').i32(1).op('shl').op('return');
  body.end();
  body
    .get(linear)
    .i32(9)
    .op('shrU')
    .i32((TLB_ENTRIES - 1) << 3)
    .op('and');
  state(L.TLB).op('add').get(write).i32(TLB_WRITE).op('mul').op('add').tee(slot);
  body.get(linear).i32(-4096).op('and').store(0);
  body
    .get(slot)
    .get(physical)
    .i32(map.ram)
    .op('add')
    .get(linear)
    .i32(-4096)
    .op('and')
    .op('sub')
    .store(4);
  // remember the slot for the next flush; a list that is full flushes everything
  state(L.WALK_FLAGS).i32(WALK_FLAG.LARGE).op('and');
  body.if();
  body.get(linear).i32(22).op('shrU').i32(1).store8(map.largePages);
  body.end();
  state(L.WALK_FLAGS)
    .i32(WALK_FLAG.GLOBAL)
    .op('and')
    .i32(2)
    .op('shl')
    .tee(list)
    .load(map.vcpu + L.TLB_FILLED)
    .tee(count);
  body.i32(TLB_LIST).op('ltU');
  body.if();
  body
    .get(list)
    .i32(TLB_LIST)
    .op('mul')
    .get(count)
    .i32(2)
    .op('shl')
    .op('add')
    .get(slot)
    .store(map.tlbList);
  body.end();
  body
    .get(list)
    .get(count)
    .i32(1)
    .op('add')
    .store(map.vcpu + L.TLB_FILLED);
  return body.i32(1);
}
