/** Expressions over types.c and calls.c that gdb has answered and that must have the same value and type here. */

export const OPTIMIZATIONS = ['O0', 'O2'] as const;

/** Of DWARF that calls.c is compiled with: calls are told with tags of gcc's own before version 5. */
export const CALL_VERSIONS = [4, 5] as const;

/** As answers.py writes it. */
export interface Answer {
  readonly kind: 'number' | 'real' | 'name' | 'text' | 'whole' | 'array' | 'lost' | 'refused';
  readonly value: string;
  readonly type: string;
  readonly size: number;
}
export type Answers = { readonly [expression: string]: Answer };

/** Over the frame that it stops in. */
// prettier-ignore
export const IN_FRAME: readonly string[] = [
  'count', 'task', 'title', 'wide', 'cs', 'doubled', 'copy', 'squares', 'mean', 'where', '*task', 'task->pid', 'where->next', 'count + cs', 'title[2]', 'wide + count', '&where->next == &task->children.next',
];

/** Over the caller of that frame, main(). */
export const IN_CALLER: readonly string[] = [
  'local',
  'own',
  'own.next',
  'own.next->next',
  'local * 2',
];

// prettier-ignore
export const EXPRESSIONS: readonly string[] = [
  // whole objects: each of their parts is compared
  'init', 'second', 'current', '*current', 'table', 'words', 'handlers', 'big', 'small', 'letter', 'zero', 'tiny', 'huge', 'nothing', 'sink',
  // members, elements, pointers
  'init.parent->pid', 'current->parent->parent->comm', 'current->comm[3]', '*current->comm', 'init.grid[1]', 'init.grid[1][2]', '*init.grid[1]',
  '(*current).bits.frame', 'init.low + init.high', 'init.bytes[2]', 'init.children.next->previous', '*(init.numbers + 2)', 'init.numbers[-1]',
  'init.arguments[1][4]', '*init.arguments', '**init.arguments', '(&init)->pid', '(&second)[0].pid', '&init.children', '&init.grid', '&init.grid[1]',
  '&init.grid[1][2]', '&table[3]', '&table', '*&table[3]', 'table + 3', '*(table + 3)', '*table', 'current + 1', 'init.numbers - 1', '&init.pid + 1',
  'handle', '&handle', '*handle', 'init.handler', '*init.handler', 'handlers[0] == handle', 'init.private', 'init.title + 4', '*init.title',
  // comparisons of pointers
  'current == &init', 'current != &second', '&table[1] < &table[2]', 'init.numbers == &table[1]', '!nothing', '!current', 'nothing == 0', 'current && 1',
  // arithmetic with conversions
  'small + letter', 'small < 0', 'small * big', 'letter << 4', 'big >> 60', 'big + 1', 'big * 3', '-small', '~letter', '-big', 'small < 0u', 'init.pid - 2u',
  'init.jiffies + 1', 'init.jiffies > 0', 'init.jiffies * 2', 'init.jiffies + init.pid', 'init.runtime / 1000', 'init.runtime % 1000', 'init.runtime + init.jiffies',
  'init.bits.level', 'init.bits.level * 2', 'init.bits.frame << 12', 'init.bits.present + init.bits.user', 'init.bits.wide', 'init.bits.wide + 1', 'init.bits.tail == 5',
  'init.packed.number', 'init.packed.half + 1', 'init.packed.tag', 'init.load * 2', 'init.load + init.share', 'init.share * 2', 'huge * 10', 'init.load > 0', 'init.exact < 0', '-init.load',
  'init.on + init.off', 'init.on && init.off', 'init.state == READY', 'init.state + 1', 'second.state == GONE', 'READY', 'EXECUTE | SHARED', 'init.flags & EXECUTE', 'table[3] % 3', 'table[3] / 3',
  '1 ? small : big', '0 ? 1 : init.pid', 'init.pid == 1 ? init.pid : 0', 'letter == 122', "letter == 'z'", 'init.comm[0] == 115', 'table[7] + 1', 'sizeof(table) / sizeof(table[0])',
  // casts and types
  '(char)big', '(unsigned char)small', '(short)big', '(unsigned short)-1', '(int)big', '(long long)small', '(unsigned long long)small', '(u64)letter', '(u8)big', '(double)table[3]', '(int)init.load', '(int)-1.5',
  '(bool)5', '(enum state)4', '(enum flags)5', '(struct task *)current', '((struct task *)init.parent)->pid', '(task_t *)init.private', '((struct list *)&init.children)->next', '(void *)current', '(char *)current',
  '*(u8 *)&big', '((u16 *)&big)[1]', '*(u64 *)&big', '*(unsigned int *)&init.share', '(long)current', '(unsigned long)current + 1', '(unsigned)small', '(const char *)init.title', '*(struct packed *)&init.packed',
  'sizeof(struct task)', 'sizeof(task_t)', 'sizeof(init.grid)', 'sizeof(init.comm)', 'sizeof(u64)', 'sizeof(struct bits)', 'sizeof(struct task *)', 'sizeof(int)', 'sizeof(long double)', 'sizeof(enum state)', 'sizeof(*current)',
  // the names of gdb for offsetof() and container_of()
  '&((struct task *)0)->sibling', '(int)&((struct task *)0)->grid[1][2]', '((struct task *)((char *)init.children.next - (int)&((struct task *)0)->sibling))->pid',
];

/** Over calls.c, frame by frame outwards: by parameters, what is computed from them. */
// prettier-ignore
export const IN_CALLS: readonly (readonly string[])[] = [
  ['exact', 'kept', 'node', '*node', 'node->next->value', 'exact + node->value'],
  ['odds', 'rounds', 'local'],
  ['passed', 'sum', 'third', 'passed * 2 + sum'],
  ['given', 'other'],
  ['unknown', 'also', 'unknown - also'],
  ['function', 'whole'],
  ['first', 'second'],
];
