/**
 * The function of a region: the blocks of region.ts as WebAssembly, by the meanings of their instructions
 * (cpu/instructions) and the back-end of the compiled tier. It has the type of a handler, (record, TLB) to
 * the record that the interpreter goes on with, 0 to leave; so the interpreter calls it as it calls any
 * other handler. Registers, arithmetic flags and fuel are in locals from entry to exit.
 *
 * The number of the block to enter is in R_DESTINATION of the record that the region is entered with.
 */
import type { MemoryMap } from '../../memory/memory-map.ts';
import { buildModule, FunctionBody, I32, type Label, type Local } from '../../wasm/assembler.ts';
import * as L from '../layout.ts';
import { emitWalk } from '../paging.ts';
import { emitFill } from '../tlb-refill.ts';
import { CompiledBackend, type RegionFrame } from './compiled-backend.ts';
import { REGISTER, type InterpreterContext } from './frame-emitter.ts';
import type { HandlerList } from './handlers.ts';
import { jumpSlot, leaveForLookup, pushJumpCacheHit } from './interpreter.ts';
import * as R from './record.ts';
import type { Edge, Region } from './region.ts';
import { type Item, structure } from './region-structure.ts';

export interface RegionParts {
  readonly map: MemoryMap;
  readonly shared: boolean;
  readonly list: HandlerList;
  readonly i32: Int32Array;
  readonly u16: Uint16Array;
  readonly u8: Uint8Array;
  readonly region: Region;
  /** Number of the region's own handler. */
  readonly handler: number;
  /** It refills the TLB itself. Otherwise it is smaller and, while nothing is missed, faster. */
  readonly refills: boolean;
  /** The record that the interpreter executes in place of a block's first one. */
  readonly resume: (block: number) => number;
}

/** Imports of the interpreter's module, which a region has not: it leaves instead of calling. */
const NO_CALLS: InterpreterContext['calls'] = {
  typescript: -1, slowReadForWrite: -1, slowWrite: -1, missRead: -1, missWrite: -1, writableHost: -1, lookup: -1, vectorLoad: -1, vectorStore: -1,
}; // prettier-ignore

/** Where a jump to a block goes. */
interface Target {
  readonly label: Label;
  /** The number of the block must be in the local `block` then. */
  readonly chosen: boolean;
}

class RegionEmitter {
  readonly #parts: RegionParts;
  readonly #body = new FunctionBody(2);
  readonly #frame: RegionFrame;
  readonly #context: InterpreterContext;
  /** Number of the block to go to. */
  readonly #block: Local;
  readonly #dispatch: Label;
  readonly #targets = new Map<number, Target>();
  /** Loops around, the innermost last: jumps to their headers begin another turn. */
  readonly #loops: ReadonlyMap<number, Target>[] = [];

  constructor(parts: RegionParts) {
    this.#parts = parts;
    const body = this.#body;
    const record = body.parameter(0);
    this.#context = { vcpu: parts.map.vcpu, calls: NO_CALLS };
    const registers = Array.from({ length: 8 }, () => body.local());
    this.#block = body.local();
    const locals = {
      body, record, registers, map: parts.map, fill: parts.refills ? F.fill : null, tlb: body.parameter(1), target: body.local(), next: body.local(),
      flagsResult: body.local(), flagsAux: body.local(), fuel: body.local(), pool: { narrow: [], wide: [], vectors: [] }, main: null,
    }; // prettier-ignore
    for (const { local, offset } of this.#kept(locals)) {
      body
        .i32(0)
        .load(parts.map.vcpu + offset)
        .set(local);
    }
    body.get(record).load16U(R.R_DESTINATION).set(this.#block);
    const exit = body.block();
    this.#dispatch = body.loop();
    const arrive = body.block();
    const lookup = body.block();
    this.#frame = { ...locals, slow: exit, exit, arrive, lookup };
  }

  /** What is in locals, and its place in the vCPU block. */
  #kept(
    frame: Pick<RegionFrame, 'registers' | 'flagsResult' | 'flagsAux' | 'fuel'>,
  ): readonly { readonly local: Local; readonly offset: number }[] {
    return [
      ...frame.registers.map((local, number) => ({ local, offset: REGISTER(number, 4) })),
      { local: frame.flagsResult, offset: L.FLAGS_RESULT },
      { local: frame.flagsAux, offset: L.FLAGS_AUX },
      { local: frame.fuel, offset: L.FUEL },
    ];
  }

  emit(): FunctionBody {
    const body = this.#body;
    const { map, region, handler } = this.#parts;
    const { next, target } = this.#frame;
    const successors = region.blocks.map(({ edges }) => edges.map(({ to }) => to));
    this.#sequence(structure(successors, region.entries), [...region.entries]);
    body.end();
    // lookup
    pushJumpCacheHit(body, map, target, body.local());
    body.tee(next).op('eqz');
    body.if();
    leaveForLookup(body, map, target);
    body.br(this.#frame.exit);
    body.end();
    body.end();
    // arrive
    body.get(next).load16U(R.R_HANDLER).i32(handler).op('eq');
    body.if();
    body.get(next).load16U(R.R_DESTINATION).set(this.#block).br(this.#dispatch);
    body.end();
    body.end();
    body.end();
    // exit
    for (const { local, offset } of this.#kept(this.#frame)) {
      body
        .i32(0)
        .get(local)
        .store(map.vcpu + offset);
    }
    return body.get(next);
  }

  /** Items one after the other; they are entered at one of `entries`, by the local `block` if there are several. */
  #sequence(items: readonly Item[], entries: readonly number[]): void {
    const body = this.#body;
    const labels: Label[] = [];
    for (let at = items.length - 1; at >= 0; at--) labels[at] = body.block();
    const before = new Map<number, Target | undefined>();
    items.forEach((item, at) => {
      for (const node of item.nodes) {
        before.set(node, this.#targets.get(node));
        const chosen = item.kind === 'loop' && item.headers.length > 1;
        this.#targets.set(node, { label: labels[at], chosen });
      }
    });
    this.#choose(entries);
    items.forEach((item) => {
      body.end();
      if (item.kind === 'block') this.#emitBlock(item.nodes[0]);
      else this.#emitLoop(item.headers, item.items);
    });
    for (const [node, target] of before) {
      if (target === undefined) this.#targets.delete(node);
      else this.#targets.set(node, target);
    }
  }
  #choose(entries: readonly number[]): void {
    const body = this.#body;
    const [first] = entries;
    const label = (node: number): Label => this.#targets.get(node)?.label ?? this.#dispatch;
    if (entries.length === 1) {
      body.br(label(first));
      return;
    }
    const table = Array.from({ length: Math.max(...entries) + 1 }, () => label(first));
    for (const node of entries) table[node] = label(node);
    body.get(this.#block).brTable(table, label(first));
  }
  #emitLoop(headers: readonly number[], items: readonly Item[]): void {
    const body = this.#body;
    const label = body.loop();
    const target: Target = { label, chosen: headers.length > 1 };
    this.#loops.push(new Map(headers.map((node) => [node, target])));
    this.#sequence(items, headers);
    this.#loops.pop();
    body.end();
  }

  #goTo(node: number): void {
    const loop = this.#loops.findLast((headers) => headers.has(node));
    const target = loop?.get(node) ?? this.#targets.get(node);
    if (target === undefined) throw new Error('a jump leaves the region');
    if (target.chosen) this.#body.i32(node).set(this.#block);
    this.#body.br(target.label);
  }
  /** Returns whether the edge is always taken. */
  #follow(edge: Edge | undefined, resume: number): boolean {
    if (edge === undefined) return false;
    if (edge.cached) {
      this.#pushRemembered(edge, resume);
      this.#body.if();
      this.#goTo(edge.to);
      this.#body.end();
    } else this.#goTo(edge.to);
    return !edge.cached;
  }
  /** Pushes whether there is still no link, and the jump cache still has the block for its EIP. */
  #pushRemembered({ to, eip, linkField }: Edge, resume: number): void {
    const body = this.#body;
    const { map, region } = this.#parts;
    const slot = map.jumpCache + jumpSlot(eip >>> 0) * 16;
    body.i32(0).load(slot).i32(eip).op('eq');
    body
      .i32(0)
      .load(slot + 8)
      .i32(region.blocks[to].record)
      .op('eq')
      .op('and');
    body.i32(0).load(slot + 4);
    body.i32(0).load(map.vcpu + L.JUMP_GENERATION);
    body.op('eq').op('and');
    body
      .i32(0)
      .load(resume + linkField)
      .op('eqz')
      .op('and');
  }

  #emitBlock(node: number): void {
    const body = this.#body;
    const { region, list, i32, u16, u8 } = this.#parts;
    const { record: first, compiled, edges } = region.blocks[node];
    const resumeFirst = this.#parts.resume(node);
    const size = compiled * R.RECORD_SIZE;
    for (let offset = 0; offset < size; offset += R.RECORD_SIZE) {
      const address = first + offset;
      const { shape, instruction } = list.handlers[u16[(address + R.R_HANDLER) >> 1]];
      const resume = resumeFirst + offset;
      const follow = (linkField: number): boolean =>
        this.#follow(
          edges.find((edge) => edge.linkField === linkField),
          resume,
        );
      const end = body.block();
      const record = { i32, u16, u8, address, resume, follow };
      const backend = new CompiledBackend(this.#context, this.#frame, shape, record, end);
      instruction.emit(backend, shape);
      body.end();
    }
    // behind the last jump nothing comes; before what is not compiled the interpreter goes on
    body
      .i32(resumeFirst + size)
      .set(this.#frame.next)
      .br(this.#frame.exit);
  }
}

/** Of all functions: (record, TLB) to record, as handlers have; the page walk; the refill. */
const TYPE = { parameters: [I32, I32], results: [I32] } as const;
const F = { region: 0, walk: 1, fill: 2 } as const;

/** The bytes of the region's module, which exports 'region'. */
export function emitRegion(parts: RegionParts): Uint8Array {
  return buildModule({
    types: [TYPE],
    imports: [],
    memory: { pages: parts.map.wasmPages, shared: parts.shared },
    functions: [
      { type: 0, body: new RegionEmitter(parts).emit(), export: 'region' },
      ...(parts.refills ? [emitWalk(parts.map), emitFill(parts.map, F.walk)] : []).map((body) => ({
        type: 0,
        body,
      })),
    ],
    table: [],
  });
}
