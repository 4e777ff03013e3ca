/**
 * The interpreter tier as a WebAssembly module: run(record) executes decoded records until something
 * needs TypeScript. Its main function is one br_table over the hot handlers inside a loop; all other
 * handlers are functions of their own behind call_indirect. The same module holds the page walk and
 * the TLB's slow paths. Generated once for each vCPU, since it knows the addresses of the memory map,
 * and not before the vCPU first runs: most of a machine's processors may never be started.
 */
import {
  CODE_CHUNK_SHIFT,
  TLB_ENTRIES,
  TLB_WRITE,
  JUMP_ENTRIES,
  type MemoryMap,
} from '../../memory/memory-map.ts';
import { buildModule, FunctionBody, I32, type Label, type Local } from '../../wasm/assembler.ts';
import { wasm, type WasmMemory, type WasmTable } from '../../wasm/host.ts';
import * as L from '../layout.ts';
import { emitWalk } from '../paging.ts';
import { emitFill } from '../tlb-refill.ts';
import { type HandlerList, listHandlers } from './handlers.ts';
import type { Frame, InterpreterContext } from './frame-emitter.ts';
import { InterpreterBackend } from './interpreter-backend.ts';
import { EXIT_CODE, R_HANDLER } from './record.ts';
import { emitVectorLoad, emitVectorStore } from './vector-access.ts';

/** What emitted code calls in TypeScript. */
export interface InterpreterHost {
  /** Runs the TypeScript form of the record's instruction; nonzero: leave, 0: go on with the next record. */
  typescript(record: number): number;
  /**
   * A read that the TLB cannot serve. Sets layout SLOW when it must not complete here. 8 and 16 bytes go
   * to layout VECTOR_OPERAND, and are written from there.
   */
  slowRead(linear: number, size: number): number;
  slowWrite(linear: number, value: number, size: number): void;
  /** Like slowRead, where a write to the same place follows. */
  slowReadForWrite(linear: number, size: number): number;
}

export interface Interpreter {
  readonly list: HandlerList;
  /**
   * The functions of handlers, those of the main function aside; behind them there is room for REGIONS
   * more. Null before anything has run.
   */
  readonly handlers: WasmTable | null;
  /** Runs from a record; on return layout EXIT says why. */
  readonly run: (record: number) => void;
  /** paging.ts emitWalk. */
  readonly walk: (linear: number, access: number) => number;
}

/** Slot of an EIP in the jump cache, as an index; emitted the same way below. */
export function jumpSlot(eip: number): number {
  return (eip ^ (eip >>> 11)) & (JUMP_ENTRIES - 1);
}

/** Most functions of the compiled tier beside the handlers. */
export const REGIONS = 1024;

// function types
const ONE_TO_ONE = 0;
const TWO_TO_ONE = 1;
const THREE_TO_NONE = 2;
const ONE_TO_NONE = 3;
const TYPES = [
  { parameters: [I32], results: [I32] },
  { parameters: [I32, I32], results: [I32] },
  { parameters: [I32, I32, I32], results: [] },
  { parameters: [I32], results: [] },
] as const;

// function indices: imports first
const F = {
  typescript: 0, slowRead: 1, slowWrite: 2, slowReadForWrite: 3,
  walk: 4, fill: 5, missRead: 6, missWrite: 7, writableHost: 8, lookup: 9, vectorLoad: 10, vectorStore: 11, run: 12, firstCold: 13,
} as const; // prettier-ignore

/** Host address of a linear address whose page has just been filled. */
export function pushFilledHost(
  body: FunctionBody,
  map: MemoryMap,
  linear: Local,
  table: number,
): void {
  body
    .get(linear)
    .i32(9)
    .op('shrU')
    .i32((TLB_ENTRIES - 1) << 3)
    .op('and');
  body
    .i32(0)
    .load(map.vcpu + L.TLB)
    .op('add')
    .load(table + 4)
    .get(linear)
    .op('add');
}
/** Pushes whether an access of so many bytes lies in two pages. */
export function pushCrosses(body: FunctionBody, linear: Local, pushSize: () => void): void {
  body.get(linear).i32(4095).op('and');
  pushSize();
  body.op('add').i32(4096).op('gtU');
}

function emitMissRead(map: MemoryMap): FunctionBody {
  const body = new FunctionBody(2);
  const linear = body.parameter(0);
  const size = body.parameter(1);
  const host = body.local();
  const slow = body.block();
  pushCrosses(body, linear, () => body.get(size));
  body.brIf(slow);
  body.get(linear).i32(0).call(F.fill).op('eqz').brIf(slow);
  pushFilledHost(body, map, linear, 0);
  body.set(host);
  body.get(size).i32(4).op('eq');
  body.if();
  body.get(host).load(0).op('return');
  body.end();
  body.get(size).i32(2).op('eq');
  body.if();
  body.get(host).load16U(0).op('return');
  body.end();
  body.get(host).load8U(0).op('return');
  body.end();
  return body.get(linear).get(size).call(F.slowRead);
}

function emitMissWrite(): FunctionBody {
  const body = new FunctionBody(3);
  const linear = body.parameter(0);
  const value = body.parameter(1);
  const size = body.parameter(2);
  const host = body.local();
  body.get(linear).get(size).call(F.writableHost).tee(host).op('eqz');
  body.if();
  body.get(linear).get(value).get(size).call(F.slowWrite).op('return');
  body.end();
  body.get(size).i32(4).op('eq');
  body.if();
  body.get(host).get(value).store(0).op('return');
  body.end();
  body.get(size).i32(2).op('eq');
  body.if();
  body.get(host).get(value).store16(0).op('return');
  body.end();
  return body.get(host).get(value).store8(0);
}

/** Host address to which `size` bytes may be written at once, or 0. */
function emitWritableHost(map: MemoryMap): FunctionBody {
  const body = new FunctionBody(2);
  const linear = body.parameter(0);
  const size = body.parameter(1);
  const filled = body.local();
  const physical = body.local();
  const slow = body.block();
  pushCrosses(body, linear, () => body.get(size));
  body.brIf(slow);
  body.get(linear).i32(1).call(F.fill).tee(filled).op('eqz').brIf(slow);
  body.get(filled).i32(1).op('eq');
  body.if();
  pushFilledHost(body, map, linear, TLB_WRITE);
  body.op('return');
  body.end();
  // a page with translated code: the bytes themselves must not be
  const pushChunk = (last: boolean): void => {
    body.i32(1).get(linear).i32(4095).op('and');
    if (last) body.get(size).op('add').i32(1).op('sub');
    body.i32(CODE_CHUNK_SHIFT).op('shrU').op('shl');
  };
  body
    .i32(0)
    .load(map.vcpu + L.WALK_PHYS)
    .tee(physical);
  body.i32(12).op('shrU').i32(2).op('shl').load(map.codeChunks);
  pushChunk(false);
  pushChunk(true);
  body.op('or').op('and').brIf(slow);
  body.get(physical).get(linear).i32(4095).op('and').op('or').i32(map.ram).op('add').op('return');
  body.end();
  return body.i32(0);
}

/** Pushes the jump cache's record for the EIP in a local, or 0. */
export function pushJumpCacheHit(
  body: FunctionBody,
  map: MemoryMap,
  eip: Local,
  slot: Local,
): void {
  body
    .get(eip)
    .get(eip)
    .i32(11)
    .op('shrU')
    .op('xor')
    .i32(JUMP_ENTRIES - 1)
    .op('and')
    .i32(4)
    .op('shl')
    .set(slot);
  body
    .get(slot)
    .load(map.jumpCache + 8)
    .i32(0);
  body.get(slot).load(map.jumpCache).get(eip).op('eq');
  body
    .get(slot)
    .load(map.jumpCache + 4)
    .i32(0)
    .load(map.vcpu + L.JUMP_GENERATION)
    .op('eq')
    .op('and');
  body.op('select');
}
/** Sets RIP to the EIP in a local, whose record is to be found. */
export function leaveForLookup(body: FunctionBody, map: MemoryMap, eip: Local): void {
  body
    .i32(0)
    .get(eip)
    .store(map.vcpu + L.RIP);
  body
    .i32(0)
    .i32(EXIT_CODE.LOOKUP)
    .store(map.vcpu + L.EXIT);
}

function emitLookup(map: MemoryMap): FunctionBody {
  const body = new FunctionBody(1);
  const eip = body.parameter(0);
  const record = body.local();
  pushJumpCacheHit(body, map, eip, body.local());
  body.tee(record).op('eqz');
  body.if();
  leaveForLookup(body, map, eip);
  body.end();
  return body.get(record);
}

function leaveSlow(body: FunctionBody, map: MemoryMap, record: Local): void {
  body
    .i32(0)
    .get(record)
    .store(map.vcpu + L.RECORD);
  body
    .i32(0)
    .i32(EXIT_CODE.SLOW)
    .store(map.vcpu + L.EXIT);
}

function emitCold(
  list: HandlerList,
  index: number,
  context: InterpreterContext,
  map: MemoryMap,
): FunctionBody {
  const body = new FunctionBody(2);
  const record = body.parameter(0);
  const handler = list.handlers[index];
  if (handler === undefined) throw new RangeError(`no handler ${String(index)}`);
  const slow = body.block();
  const frame: Frame = {
    body, record, tlb: body.parameter(1), target: record, pool: { narrow: [], wide: [], vectors: [] }, slow, main: null,
  }; // prettier-ignore
  handler.instruction.emit(new InterpreterBackend(context, frame, handler.shape), handler.shape);
  body.end();
  leaveSlow(body, map, record);
  return body.i32(0);
}

function emitRun(list: HandlerList, context: InterpreterContext, map: MemoryMap): FunctionBody {
  const body = new FunctionBody(1);
  const record = body.parameter(0);
  const tlb = body.local();
  const target = body.local();
  const slot = body.local();
  body
    .i32(0)
    .load(map.vcpu + L.TLB)
    .set(tlb);
  const slow = body.block();
  const dispatch = body.loop();
  const lookup = body.block();
  const cold = body.block();
  const labels: Label[] = [];
  for (let index = list.hot - 1; index >= 0; index--) labels[index] = body.block();
  body.get(record).load16U(R_HANDLER).brTable(labels, cold);
  const frame: Frame = {
    body, record, tlb, target, pool: { narrow: [], wide: [], vectors: [] }, slow, main: { dispatch, lookup },
  }; // prettier-ignore
  for (const handler of list.handlers.slice(0, list.hot)) {
    body.end();
    handler.instruction.emit(new InterpreterBackend(context, frame, handler.shape), handler.shape);
  }
  body.end();
  // the other handlers: the table starts with the first cold one
  body
    .get(record)
    .get(tlb)
    .get(record)
    .load16U(R_HANDLER)
    .i32(list.hot)
    .op('sub')
    .callIndirect(TWO_TO_ONE);
  body.tee(record).brIf(dispatch).op('return');
  body.end();
  pushJumpCacheHit(body, map, target, slot);
  body.tee(record).brIf(dispatch);
  leaveForLookup(body, map, target);
  body.op('return');
  body.end();
  body.end();
  leaveSlow(body, map, record);
  return body;
}

/** The module's bytes. */
function emitInterpreter(map: MemoryMap, shared: boolean, list: HandlerList): Uint8Array {
  const context: InterpreterContext = { vcpu: map.vcpu, calls: F };
  const cold = list.handlers
    .slice(list.hot)
    .map((_, at) => emitCold(list, list.hot + at, context, map));
  return buildModule({
    types: TYPES,
    imports: [
      { name: 'typescript', type: ONE_TO_ONE },
      { name: 'slowRead', type: TWO_TO_ONE },
      { name: 'slowWrite', type: THREE_TO_NONE },
      { name: 'slowReadForWrite', type: TWO_TO_ONE },
    ],
    memory: { pages: map.wasmPages, shared },
    functions: [
      { type: TWO_TO_ONE, body: emitWalk(map), export: 'walk' },
      { type: TWO_TO_ONE, body: emitFill(map, F.walk) },
      { type: TWO_TO_ONE, body: emitMissRead(map) },
      { type: THREE_TO_NONE, body: emitMissWrite() },
      { type: TWO_TO_ONE, body: emitWritableHost(map) },
      { type: ONE_TO_ONE, body: emitLookup(map) },
      { type: TWO_TO_ONE, body: emitVectorLoad(map, F) },
      { type: TWO_TO_ONE, body: emitVectorStore(map, F) },
      { type: ONE_TO_NONE, body: emitRun(list, context, map), export: 'run' },
      ...cold.map((body) => ({ type: TWO_TO_ONE, body })),
    ],
    table: cold.map((_, at) => F.firstCold + at),
    tableRoom: { entries: REGIONS, export: 'handlers' },
  });
}

export function createInterpreter(
  map: MemoryMap,
  memory: WasmMemory,
  shared: boolean,
  host: InterpreterHost,
): Interpreter {
  const list = listHandlers();
  const { Module, Instance } = wasm();
  const env = {
    memory,
    typescript: (record: number) => host.typescript(record),
    slowRead: (linear: number, size: number) => host.slowRead(linear >>> 0, size),
    slowWrite: (linear: number, value: number, size: number) => {
      host.slowWrite(linear >>> 0, value, size);
    },
    slowReadForWrite: (linear: number, size: number) => host.slowReadForWrite(linear >>> 0, size),
  };
  const load = (): void => {
    const module = new Module(emitInterpreter(map, shared, list));
    const { exports } = new Instance(module, { env });
    interpreter.run = exports['run'] as Interpreter['run'];
    interpreter.walk = exports['walk'] as Interpreter['walk'];
    interpreter.handlers = exports['handlers'] as WasmTable;
  };
  const interpreter = {
    list,
    handlers: null as WasmTable | null,
    run: (record: number): void => {
      load();
      interpreter.run(record);
    },
    walk: (linear: number, access: number): number => {
      load();
      return interpreter.walk(linear, access);
    },
  };
  return interpreter;
}
