/**
 * Debugging information of a C program in every version and format, compiled here by gcc. The program says
 * itself what the compiler made of its types (debugged-program.c); lines are those of its source.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bytesAt, compiledElf, informationOf, parsed, sectionsOf } from '../testing/debugged-program-node.ts'; // prettier-ignore
import type { CType, Member, StructType } from './c-types.ts';
import type { DebugInformation, Variable } from './debug-information.ts';

const SOURCE = readFileSync(new URL('../testing/debugged-program.c', import.meta.url), 'utf8');
const line = (text: string): number => 1 + SOURCE.split('\n').findIndex((each) => each.includes(text)); // prettier-ignore

const OFFSETS = [
  'next', 'all', 'whole', 'real', 'low', 'high', 'name', 'matrix', 'call', 'seen', 'colour', 'bits', 'large',
  'none', 'more',
]; // prettier-ignore
const OP_ADDR = 3;
const OP_FBREG = 0x91;

const VARIANTS = [
  ['-gdwarf-2', '-O2'],
  ['-gdwarf-3', '-O2'],
  ['-gdwarf-4', '-O2'],
  ['-gdwarf-5', '-O2'],
  ['-gdwarf-2', '-O0'],
  ['-gdwarf-5', '-O0'],
  ['-gdwarf-4', '-O2', '-fdebug-types-section'],
  ['-gdwarf-5', '-O2', '-fdebug-types-section'],
  ['-gdwarf64', '-gdwarf-5', '-O2'],
] as const;

for (const flags of VARIANTS) {
  const bytes = compiledElf(flags);
  const name = flags.join(' ');
  if (bytes === null) {
    test(name, { skip: 'gcc does not compile for i386 here' });
    continue;
  }
  const elf = parsed(bytes);
  const debug = informationOf(sectionsOf(elf));

  test(`${name}: sizes and offsets are the compiler's`, () => {
    const truth = wordsOf(debug, 'truth', 4 + OFFSETS.length);
    const node = struct(debug, 'struct node');
    const sizes = ['struct node', 'struct bits', 'struct packed_bits', 'enum narrow'].map((each) => sizeOf(debug.type(each))); // prettier-ignore
    const offsets = OFFSETS.map((each) => offsetIn(node, each));
    assert.deepEqual([...sizes, ...offsets], truth);
  });

  test(`${name}: bit-fields lie where the compiler puts them`, () => {
    for (const type of ['bits', 'packed_bits']) {
      const { size, members } = struct(debug, `struct ${type}`);
      const fields = members.filter(({ bits }) => bits !== null);
      const all = bytesAt(elf, addressOf(debug.variable(`${type}_of`)), size * fields.length);
      for (const [index, { offset, bits }] of fields.entries()) {
        assert.ok(bits !== null);
        let expected = 0n;
        for (let byte = size - 1; byte >= 0; byte--)
          expected = (expected << 8n) | BigInt(all[index * size + byte] ?? 0);
        const mask = ((1n << BigInt(bits.count)) - 1n) << BigInt(8 * offset + bits.first);
        assert.equal(mask, expected, fields[index]?.name ?? '');
      }
    }
  });

  test(`${name}: types are as they are declared`, () => {
    const node = struct(debug, 'struct node');
    const type = (member: string): CType => memberNamed(node, member).type;
    const matrix = type('matrix');
    assert.ok(matrix.kind === 'array' && matrix.count === 2);
    assert.ok(matrix.element.kind === 'array' && matrix.element.count === 3);
    const [none, more] = [type('none'), type('more')];
    assert.ok(none.kind === 'array' && (none.count === 0 || none.count === null));
    assert.ok(more.kind === 'array' && more.count === null);
    const call = type('call');
    assert.ok(call.kind === 'pointer' && call.target.kind === 'function');
    assert.deepEqual([call.target.result.kind, call.target.parameters.length, call.target.isVariadic], ['void', 2, true]); // prettier-ignore
    const colour = type('colour');
    assert.ok(colour.kind === 'enum');
    assert.deepEqual(colour.values, [{ name: 'RED', value: 0n }, { name: 'GREEN', value: 5n }, { name: 'BLUE', value: -1n }]); // prettier-ignore
    const wide = debug.type('enum wide');
    assert.ok(wide?.kind === 'enum');
    assert.deepEqual(wide.values, [{ name: 'WIDEST', value: 0xffffffffn }]);
    assert.equal(debug.enumerator('GREEN'), 5n);
    const next = type('next');
    assert.equal(next.kind === 'pointer' && next.target, debug.type('struct node'));
    const large = debug.type('unsigned long long');
    assert.ok(large?.kind === 'base');
    assert.deepEqual([large.size, large.encoding, large.signed], [8, 'unsigned', false]);
    assert.equal(debug.type('struct nowhere'), null);
  });

  test(`${name}: what is only declared is found where it is complete`, () => {
    const elsewhere = debug.variable('elsewhere')?.type;
    const mystery = debug.variable('mystery')?.type;
    assert.ok(elsewhere?.kind === 'pointer' && elsewhere.target.kind === 'struct');
    assert.ok(mystery?.kind === 'pointer' && mystery.target.kind === 'struct');
    assert.deepEqual([elsewhere.target.isDeclaration, elsewhere.target.size, elsewhere.target.members.length], [false, 8, 2]); // prettier-ignore
    assert.deepEqual([mystery.target.isDeclaration, mystery.target.name], [true, 'mystery']);
  });

  test(`${name}: variables of files are told apart`, () => {
    const [work] = debug.functions('work');
    const [count] = debug.functions('count');
    assert.ok(work !== undefined && count !== undefined);
    const near = (address: number): number => wordsOf(debug, 'counter', 1, address)[0] ?? 0;
    assert.deepEqual([near(work.entry), near(count.entry)], [3, 4]);
    const names = debug.variablesOfUnit(count.entry).map((variable) => variable.name);
    assert.deepEqual(names.toSorted(), ['counter', 'here']);
    assert.equal(debug.variable('declared_only')?.declared?.line, line('extern int declared_only'));
  });

  test(`${name}: a function, its parameters and what is inlined into it`, () => {
    const [work, ...others] = debug.functions('work');
    assert.ok(work !== undefined && others.length === 0);
    assert.equal(work.declared?.line, line('int work('));
    assert.match(work.declared.path, /testing\/debugged-program\.c$/);
    assert.deepEqual([work.type.parameters.length, work.type.isVariadic], [2, true]);
    const names = work.variables.map((variable) => variable.name);
    assert.deepEqual(names.slice(0, 2), ['node', 'count']);
    assert.deepEqual(names.slice(2).toSorted(), ['calls', 'step', 'sum']);
    const parameter = work.variables[0]?.locationAt(work.entry + 1);
    assert.ok(parameter?.operations[0] === OP_FBREG && parameter.frameBase !== null);
    const stack = everyScope(debug, work.ranges);
    const isOptimized = flags.includes('-O2' as never);
    const inlined = stack.find((scope) => scope.kind === 'inlined' && scope.name === 'twice');
    assert.equal(inlined !== undefined, isOptimized);
    if (inlined?.kind === 'inlined') {
      assert.equal(inlined.call?.line, line('twice(index + sum)'));
      assert.equal(inlined.declared?.line, line('int twice('));
      const parameters = inlined.variables.filter(({ isParameter }) => isParameter);
      assert.deepEqual(parameters.map((variable) => variable.name), ['x']); // prettier-ignore
    }
    const blocks = stack.filter(({ kind }) => kind === 'block');
    const inside = blocks.flatMap(({ variables }) => variables.map((variable) => variable.name));
    const ofTwice = inlined?.variables.map((variable) => variable.name) ?? [];
    const all = new Set([...inside, ...ofTwice]);
    assert.deepEqual([...all].toSorted(), isOptimized ? ['index', 'product', 'x', 'y'] : ['index', 'product']); // prettier-ignore
    for (const address of [work.entry, (work.ranges[0]?.end ?? 1) - 1])
      assert.equal(debug.scopesAt(address).at(-1)?.kind, 'function');
    assert.deepEqual(debug.scopesAt(0x1000), []);
  });

  /** Words of a variable, from the file. */
  function wordsOf(information: DebugInformation, variable: string, count: number, address?: number): readonly number[] {
    const bytesOf = bytesAt(elf, addressOf(information.variable(variable, address)), 4 * count);
    return [...new Uint32Array(bytesOf.slice().buffer)];
  } // prettier-ignore
}

function addressOf(variable: Variable | null): number {
  const operations = variable?.locationAt(0)?.operations;
  assert.ok(operations !== undefined && operations[0] === OP_ADDR && operations.length === 5);
  return new DataView(operations.buffer, operations.byteOffset).getUint32(1, true);
}

function struct(debug: DebugInformation, name: string): StructType {
  const type = debug.type(name);
  assert.ok(type?.kind === 'struct', name);
  return type;
}

const sizeOf = (type: CType | null): number => (type !== null && 'size' in type ? type.size : -1);

function memberNamed({ members }: StructType, name: string): Member {
  const member = members.find((each) => each.name === name);
  assert.ok(member !== undefined, name);
  return member;
}

/** Through members without a name; -1 where there is none. */
function offsetIn({ members }: StructType, name: string): number {
  for (const member of members) {
    if (member.name === name) return member.offset;
    if (member.name !== null || !('members' in member.type)) continue;
    const inside = offsetIn(member.type, name);
    if (inside >= 0) return member.offset + inside;
  }
  return -1;
}

function everyScope(
  debug: DebugInformation,
  ranges: readonly { readonly start: number; readonly end: number }[],
): ReturnType<DebugInformation['scopesAt']> {
  return ranges.flatMap(({ start, end }) =>
    Array.from({ length: end - start }, (_, at) => debug.scopesAt(start + at)).flat(),
  );
}
