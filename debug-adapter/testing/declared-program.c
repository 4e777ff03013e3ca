/* Variables that C only declares: one that assembly defines, one that the linker does, and one that nobody does. */
extern unsigned long long ticks_64;
extern unsigned long ticks;
extern char ticks_end[];
extern int defined_below;
extern int missing __attribute__((weak));

__asm__(".data\n.globl ticks_64, ticks_end\nticks_64: .quad 0x100000005\nticks_end:\n.text");

unsigned long _start(void) {
  return ticks + (unsigned long)ticks_64 + (unsigned long)ticks_end + (&missing ? defined_below : 0);
}

int defined_below = 9;
