/*
 * A program with deep stacks: functions that call and are inlined into each other, one by a pointer, and
 * handlers of an interrupt and of two exceptions, one with an error code, that break into nested calls.
 * Each way leads to stop(). Its functions are restarted (test/dap/restart-frame.test.ts), and breakpoints on
 * them compared with gdb's (test/dap/function-breakpoints.test.ts).
 */
#include "entry.h"

#define APART __attribute__((noinline, noipa))
#define INLINED static inline __attribute__((always_inline))

typedef unsigned int u32;

volatile int calls, answer, seen;

APART void stop(int number) { seen = number; }
APART void finished(void) { seen = 0; }

/* Restarted: what they compute hangs on their parameters alone. */
APART int leaf(int x, int y) {
  calls++;
  stop(1);
  return x * 31 + y;
}
APART int middle(int a, int b, int c, int d) {
  int first = leaf(a + c, b);
  return first ^ (a + b * 2 + c * 3 + d);
}
APART int outer(int a, int b) {
  int whole = middle(a, b, a - b, 5);
  return (whole ^ a) * b;
}
/* Its parameter is not used behind the call. */
APART int forgets(int a) { return leaf(a, 1) + 7; }

INLINED int innermost(int depth) {
  stop(2);
  return depth + seen;
}
INLINED int between(int depth) { return innermost(depth * 3) + calls; }
APART int inlining(int depth) {
  int sum = between(depth);
  sum += between(sum + 1);
  return sum ^ depth;
}
APART int recursive(int depth, int (*last)(int)) {
  if (depth == 0) return last(depth + 7);
  return recursive(depth - 1, last) + depth;
}

/* The processor as a handler finds it; the handler returns to it. */
struct trapped {
  u32 edi, esi, ebp, esp, ebx, edx, ecx, eax, error, eip;
};

APART void interrupted_twice(void) {
  asm volatile("ud2");
  calls++;
}
APART FROM_ASSEMBLY void handle_interrupt(struct trapped *at) {
  outb(0x20, 0x20);
  stop(3);
  interrupted_twice();
  seen = at->error;
}
INLINED void note(struct trapped *at, int number) {
  at->eip += 2;
  stop(number);
}
APART FROM_ASSEMBLY void handle_undefined(struct trapped *at) { note(at, 4); }
APART FROM_ASSEMBLY void handle_protection(struct trapped *at) { note(at, 5); }

APART int waits(int depth) {
  asm volatile("sti; hlt; cli");
  return depth + calls;
}
APART int protects(int depth) {
  asm volatile("int $0x70");
  return depth + calls;
}

int main(void) {
  prepare();
  answer = outer(12, 5);
  finished();
  answer = forgets(3);
  answer += inlining(2);
  answer += recursive(3, protects);
  start_timer();
  answer += recursive(4, waits);
  finished();
  return 0;
}
