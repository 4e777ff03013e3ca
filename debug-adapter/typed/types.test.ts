/** Types as C writes them, and types of hostile files: circles, depth without end, sizes beyond memory. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BaseType, CType, FunctionType, StructType } from '../symbols/c-types.ts';
import { findMember, membersOf } from './members.ts';
import { INT, STATE, TASK } from './testing/sample-program.ts';
import { declaration, definitionText, typeText } from './type-text.ts';
import { pointerTo, sizeOf, stripped } from './types.ts';
import { textOf } from './value-text.ts';

const array = (element: CType, count: number | null): CType => ({ kind: 'array', element, count });
const constant = (target: CType): CType => ({ kind: 'qualified', qualifier: 'const', target });
const CHAR: BaseType = { kind: 'base', name: 'char', size: 1, encoding: 'character', signed: true };
const CALL: FunctionType = {
  kind: 'function',
  result: { kind: 'void' },
  parameters: [INT, pointerTo(TASK)],
  isVariadic: true,
};

describe('types as text', () => {
  it('are as C declares them (ISO 9899:2018, 6.7.6 and 6.7.7)', () => {
    // prettier-ignore
    const cases: readonly (readonly [type: CType, text: string, declared: string])[] = [
      [INT,                                   'int',                              'int x'],
      [pointerTo(TASK),                       'struct task *',                    'struct task *x'],
      [array(pointerTo(CHAR), 4),             'char *[4]',                        'char *x[4]'],
      [pointerTo(array(INT, 3)),              'int (*)[3]',                       'int (*x)[3]'],
      [array(array(INT, 3), 2),               'int [2][3]',                       'int x[2][3]'],
      [pointerTo(CALL),                       'void (*)(int, struct task *, ...)', 'void (*x)(int, struct task *, ...)'],
      [array(pointerTo(CALL), null),          'void (*[])(int, struct task *, ...)', 'void (*x[])(int, struct task *, ...)'],
      [pointerTo(constant(CHAR)),             'const char *',                     'const char *x'],
      [constant(pointerTo(CHAR)),             'char * const',                     'char * const x'],
      [constant(array(constant(CHAR), 2)),    'const char [2]',                   'const char x[2]'],
      [STATE,                                 'enum state',                       'enum state x'],
    ];
    for (const [type, text, declared] of cases) {
      assert.equal(typeText(type), text);
      assert.equal(declaration(type, 'x'), declared);
    }
  });
});

describe('types of hostile files', () => {
  const circle: CType = { kind: 'typedef', name: 'circle', get target(): CType { return circle; } }; // prettier-ignore
  const holdsItself: StructType = {
    kind: 'struct', name: null, size: 8, isDeclaration: false,
    get members() { return Array.from({ length: 20 }, () => ({ name: null, type: holdsItself, offset: 0, bits: null })); },
  }; // prettier-ignore
  const takesItself: FunctionType = {
    kind: 'function', result: INT, isVariadic: false,
    get parameters(): readonly CType[] { return Array.from({ length: 100 }, () => takesItself); },
  }; // prettier-ignore
  const deep: CType = { kind: 'array', count: 2 ** 30, get element(): CType { return deep; } }; // prettier-ignore
  const options = { hex: false, symbolAt: () => null, completed: stripped };

  it('end somewhere', () => {
    assert.equal(sizeOf(circle), 1);
    assert.equal(typeText(circle), 'circle');
    assert.deepEqual(membersOf(holdsItself), []);
    assert.throws(() => findMember(holdsItself, 'x', 0), /There is no member 'x'/);
    assert.ok(typeText(takesItself).length < 1_000_000);
    assert.ok(definitionText(holdsItself, stripped).split('\n').length < 5000);
    assert.equal(sizeOf(deep), null);
    for (const type of [circle, holdsItself, takesItself, deep])
      assert.ok(textOf(type, new Uint8Array(64), options).length < 1_000_000);
  });
});
