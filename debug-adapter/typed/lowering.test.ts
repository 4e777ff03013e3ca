/**
 * Typed expressions on a program written down by hand (testing/sample-program.ts). Values follow from its
 * comments by C's rules; the same language against gdb on compiled guests: test/typed.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evaluate, isTrue } from '../../emulator/expressions/evaluator.ts';
import { parseWritten } from '../../emulator/expressions/parser.ts';
import { ExpressionError } from '../../emulator/expressions/syntax.ts';
import { valueText } from '../../emulator/expressions/value-text.ts';
import { lower } from './lowering.ts';
import { isTypeName } from './program-names.ts';
import { memory, scopeOf, surroundings } from './testing/sample-program.ts';
import { typeText } from './type-text.ts';
import { type Typed, typeOf, valueOf } from './typed.ts';

const scope = scopeOf(memory());

function typed(text: string, inFrame = true): Typed {
  const around = surroundings(inFrame);
  return lower(
    parseWritten(text, (word) => isTypeName(word, around)),
    around,
  );
}
const value = (text: string): string => valueText(evaluate(valueOf(typed(text)), scope), false);
const typeOfText = (text: string): string => {
  const type = typeOf(typed(text));
  return type === null ? '-' : typeText(type);
};

// prettier-ignore
const CASES: readonly (readonly [text: string, value: string, type: string])[] = [
  // members, through pointers, anonymous unions and typedefs
  ['init.pid',                            '1',                    'int'],
  ['current->pid',                        '42',                   'int'],
  ['current->parent->pid',                '1',                    'int'],
  ['(*current).pid',                      '42',                   'int'],
  ['init.parent->parent == &init',        '1',                    'int'],
  ['init.word',                           '67305985',             'long unsigned int'],
  ['init.half[3]',                        '4',                    'unsigned char'],
  ['init.time',                           '-2',                   'long long int'],
  ['init.time + 1ull',                    '18446744073709551615', 'unsigned long long'],
  ['init.load * 2',                       '3',                    'double'],
  ['init.ready + init.level',             '22',                   'unsigned int'],
  ['init.delta',                          '-3',                   'int'],
  ['init.state',                          '4',                    'enum state'],
  ['init.state == BUSY',                  '1',                    'int'],
  ['init.grid[1][0]',                     '1',                    'short int'],
  ['*(init.grid[1] + 2)',                 '3',                    'short int'],
  ['init.grid[0][0] < 0u',                '0',                    'int'],
  // pointers count in what they point to
  ['current + 1',                         '4412',                 'task_t *'],
  ['1 + current',                         '4412',                 'task_t *'],
  ['current - 1 < current',               '1',                    'int'],
  ['&init.grid[1] - &init.grid[0]',       '1',                    'int'],
  ['&current->pid + 1',                   '4356',                 'int *'],
  ['*current->comm',                      '105',                  'char'],
  ['letters[1]',                          '101',                  'char'],
  ['current ? current->pid : -1',         '42',                   'int'],
  ['!current',                            '0',                    'int'],
  ['&init',                               '4096',                 'struct task *'],
  ['&init.comm',                          '4100',                 'char (*)[8]'],
  ['tail[-2]',                            '1234',                 'int'],
  // text
  ['init.comm == "swapper"',              '1',                    'int'],
  ['init.comm == "swap"',                 '0',                    'int'],
  ['current->comm < "j" && letters == "hello"', '1',              'int'],
  ['letters contains "ll"',               '1',                    'int'],
  ['string(init.comm)',                   '"swapper"',            '-'],
  // casts and types
  ['((struct task *)ecx)->pid',           '42',                   'int'],
  ['((task_t *)ecx)->comm == "init"',     '1',                    'int'],
  ['(char)init.word',                     '1',                    'char'],
  ['(enum state)4',                       '4',                    'enum state'],
  ['*(unsigned char *)&init.word',        '1',                    'unsigned char'],
  ['((u16 *)&init.word)[1]',              '1027',                 'u16'],
  ['(double)init.pid / 2',                '0.5',                  'double'],
  ['(count)',                             '3',                    'int'],
  ['(struct list **)0x1018',              '4120',                 'struct list **'],
  ['sizeof(struct task)',                 '60',                   'unsigned int'],
  ['sizeof(task_t *) + sizeof(init.comm)', '12',                  'unsigned int'],
  ['sizeof(*current)',                    '60',                   'unsigned int'],
  ['sizeof(short [3])',                   '6',                    'unsigned int'],
  ['offsetof(struct task, grid[1])',      '54',                   'unsigned int'],
  ['offsetof(task_t, half)',              '16',                   'unsigned int'],
  ['container_of(init.node.next, struct task, node)->pid', '1',   'int'],
  // the frame: inner before outer, registers, pieces, constants
  ['count',                               '3',                    'int'],
  ['task->pid',                           '42',                   'int'],
  ['cs',                                  '65',                   'unsigned char'],
  ['$cs',                                 '96',                   '-'],
  ['%cs + 1',                             '97',                   '-'],
  ['wide',                                '6153737367135073092',  'long long int'],
  ['twice',                               '130',                  'int'],
  ['seven * count',                       '21',                   'int'],
  ['small',                               '-5',                   'short int'],
  ['pair.low == eax && pair.high == 9',   '1',                    'int'],
  // names of the machine come before static variables, and symbols behind them
  ['jiffies',                             '1234',                 'long unsigned int'],
  ['work',                                '8192',                 'int (int, struct task *)'],
  ['&work',                               '8192',                 'int (*)(int, struct task *)'],
  ['entry.cold + 1',                      '10241',                '-'],
  ['IDLE + BUSY',                         '4',                    'int'],
  ['dword[&init] + byte[current]',        '43',                   '-'],
  ['eax + init.pid',                      '287454021',            '-'],
];

describe('expressions with types', () => {
  it('have the values and types of C', () => {
    for (const [text, expected, type] of CASES) {
      assert.equal(value(text), expected, text);
      assert.equal(typeOfText(text), type, text);
    }
  });

  it('are as true as their numbers', () => {
    for (const [text, truth] of [['current', true], ['init.comm', true], ['init.grid[0][2]', false]] as const)
      assert.equal(isTrue(evaluate(valueOf(typed(text)), scope)), truth, text);
  }); // prettier-ignore

  it('are refused where they stand, with the remedy', () => {
    // prettier-ignore
    const cases: readonly (readonly [text: string, position: number, message: RegExp])[] = [
      ['init.pdi',              5,  /no member 'pdi' in struct task. Did you mean 'pid'\?/],
      ['1 + current->comn',     13, /Did you mean 'comm'\?/],
      ['init.node.nxt',         10, /no member 'nxt' in struct list. Did you mean 'next'/],
      ['current.pid',           8,  /A task_t \* has no members; write '->pid'/],
      ['init->pid',             6,  /A struct task is no pointer; write '.pid'/],
      ['init.pid.x',            9,  /A int has no members/],
      ['eax->pid',              5,  /cast it/],
      ['secret->x',             8,  /Nobody says what struct hidden holds/],
      ['secret + 1',            0,  /Nobody knows how large a struct hidden is/],
      ['init + 1',              0,  /A struct task is no single value; name one of its members/],
      ['-current',              0,  /'-' does not apply to a task_t \*/],
      ['current * 2',           8,  /'\*' does not apply to a task_t \*/],
      ['gone + 1',              0,  /no value here: it has been optimized out/],
      ['&wide',                 0,  /computed|register/],
      ['&cs',                   0,  /in the register ebx/],
      ['&init.level',           0,  /A bit-field has no address/],
      ['*(void *)current',      0,  /void pointer.*cast/],
      ['(struct tusk *)eax',    1,  /There is no type 'struct tusk'/],
      ['(struct task)eax',      0,  /Nothing can be cast to a struct task/],
      ['init.pid[0]',           8,  /A int has no elements/],
      ['curent->pid',           0,  /no name 'curent' here. Did you mean 'current'/],
      ['offsetof(struct task, x)', 22, /no member 'x'/],
      ['sizeof(secret[0])',     0,  /Nobody knows how large/],
    ];
    for (const [text, position, message] of cases) {
      assert.throws(
        () => valueOf(typed(text)),
        (error) => {
          assert.ok(error instanceof ExpressionError, `${text}: ${String(error)}`);
          assert.match(error.message, message, text);
          if (!text.startsWith('&') && !text.startsWith('sizeof'))
            assert.equal(error.position, position, text);
          return true;
        },
      );
    }
  });

  it('have no local variables where no frame is selected', () => {
    assert.throws(() => typed('task->pid', false), /no name 'task'/);
    assert.equal(typeOf(typed('cs', false)), null);
    assert.equal(typeOf(typed('port', false)), null, 'a field of exits before a static variable');
  });
});
