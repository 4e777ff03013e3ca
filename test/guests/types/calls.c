/*
 * Parameters that only their callers can still tell (DW_OP_entry_value), as an optimized kernel has them:
 * arguments are passed in registers and overwritten at once. Stopped where the label stop_point is, with
 * gdb's answers for each frame as types.c has them (record.ts, test/dap/types.test.ts).
 */
asm(".section .multiboot, \"a\"\n"
    ".align 4\n"
    ".long 0x1badb002, 0, -0x1badb002\n"
    ".text\n"
    ".globl _start\n"
    "_start: mov $stack_top, %esp\n"
    "xor %ebp, %ebp\n"
    "call main\n"
    "1: jmp 1b\n"
    ".bss\n"
    ".skip 8192\n"
    "stack_top:\n"
    ".text\n");

#define APART __attribute__((noinline, noclone))
/* Behind it nothing is left in the registers that a call may change. */
#define OVERWRITE asm volatile("xor %%eax, %%eax\n\txor %%edx, %%edx\n\txor %%ecx, %%ecx" ::: "eax", "edx", "ecx", "memory")

struct node {
  int value;
  struct node *next;
};

volatile int sink;
struct node last = {77, 0};

/* A constant, a value in a register that calls preserve, and the address of a local of the caller. */
static APART int bottom(int exact, int kept, struct node *node) {
  sink = exact + kept + node->value;
  OVERWRITE;
  asm volatile(".globl stop_point\nstop_point: nop" ::: "memory");
  return sink;
}

static APART int even(int evens, int seed);

/* Entered by a call and by jumps: what the call has passed is not what it was entered with. */
static APART int odd(int odds, int rounds) {
  sink = odds + rounds;
  if (odds > 1) return even(odds - 1, rounds + 1);
  OVERWRITE;
  struct node local = {rounds, &last};
  sink = bottom(4242, sink, &local);
  return sink + local.value;
}

static APART int even(int evens, int seed) {
  sink = evens;
  return odd(evens - 1, seed + 2);
}

/* It passes on what it was passed: the caller's caller tells. */
static APART int inner(int passed, int sum, int third) {
  sink = passed + sum + third;
  OVERWRITE;
  return odd(3, 1000) + sink;
}

static APART int middle(int given, int other) {
  int result;
  sink = given;
  result = inner(given, given + other * 2, sink);
  return result + sink;
}

/* Called through a pointer that the caller keeps. */
static APART int pointed(int unknown, int also) {
  sink = unknown + also;
  OVERWRITE;
  return middle(unknown, 9) + sink;
}

/* Called through a pointer that is gone after the call. */
static APART int forgotten(int lost) {
  sink = lost;
  OVERWRITE;
  return sink + 1;
}

int (*volatile pointer)(int, int) = pointed;

/* Entry values of the top of the stack, in blocks and in what was inlined. */
static inline __attribute__((always_inline)) int twice(int whole, int (*function)(int, int)) {
  int result = function(whole, 31);
  return result + function(whole, 32);
}

static APART int start(int first, int second) {
  int (*function)(int, int) = pointer;
  sink = second;
  return twice(first, function) + sink;
}

int main(void) {
  sink = 5;
  sink = start(sink + 100, 0x1234) + forgotten(sink);
  return 0;
}
