/*
 * Executes the records of the form vectors (record.ts) natively, at CPL 3, on the processor that it runs
 * on, and writes what came out into the same records.
 *
 *   gcc -O1 -m32 -static -no-pie -fno-pie -fno-stack-protector -o execute execute.c
 *   ./execute FILE            every record of FILE, in place
 *
 * Needs Linux on an x86 processor, and to be root (memory below 64 KiB is mapped). Segments other than
 * Linux's flat ones are entries of the process's LDT, the same as in descriptors.ts. Around the
 * instruction lie INT3s, so that every case ends in a signal; the frame of the signal has the state.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

enum { DATA = 0x7e00, DATA_SIZE = 1024, CODE = 0x9800, STACK = 0xaf80, STACK_SIZE = 256, LOW = 0x7000, HIGH = 0xd000 };
enum { CS32 = 0x23, DS32 = 0x2b, ES = 0, CS, SS, DS, FS, GS };
enum { TIMEOUT = 255 };

typedef struct {
  u32 gpr[8], eflags, eip;
  u32 vector, error, cr2;
  u16 selectors[6];
  u8 pages[2], length, pad, code[24], pad2[4];
  u8 fx[512], data[DATA_SIZE], stack[STACK_SIZE];
} Record;
#include <stddef.h>
_Static_assert(offsetof(Record, code) == 68 && offsetof(Record, fx) == 96 && sizeof(Record) == 1888, "record.ts says so");

/* ---- execution ------------------------------------------------------------------------------ */

typedef struct { u32 offset; u16 selector, pad; } Far;
u32 in_regs[8], in_flags, host_esp;
u16 in_segments[6];
Far in_stack, in_target;
u8 in_fx[512] __attribute__((aligned(64)));
void run_case(void), case_ended(void), on_signal_entry(int, siginfo_t *, void *);
__asm__(
  ".text\n"
  "run_case:\n"
  "  pushal\n"
  "  movl %esp, host_esp\n"
  "  fxrstor in_fx\n"
  "  movw in_segments, %es\n"
  "  movw in_segments+8, %fs\n"
  "  movw in_segments+10, %gs\n"
  "  movl $in_flags, %esp\n"
  "  popfl\n"
  "  movl in_regs, %eax\n  movl in_regs+4, %ecx\n  movl in_regs+8, %edx\n  movl in_regs+12, %ebx\n"
  "  movl in_regs+20, %ebp\n  movl in_regs+24, %esi\n  movl in_regs+28, %edi\n"
  "  lss in_stack, %esp\n"
  "  movw %cs:in_segments+6, %ds\n"
  "  ljmp *%cs:in_target\n"
  "case_ended:\n"
  "  popal\n"
  "  ret\n"
  /* AC may be set: no unaligned access before it is cleared */
  "on_signal_entry:\n"
  "  pushfl\n"
  "  andl $~0x40400, (%esp)\n"
  "  popfl\n"
  "  jmp on_signal\n");

static Record *current;
static u32 host_gs;
static void copy(void *to, const void *from, u32 n) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}
void on_signal(int signal, siginfo_t *info, void *where) {
  (void)info;
  mcontext_t *m = &((ucontext_t *)where)->uc_mcontext;
  greg_t *g = m->gregs;
  static const int order[8] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
  static const int segments[6] = {REG_ES, REG_CS, REG_SS, REG_DS, REG_FS, REG_GS};
  Record *r = current;
  /* it has struck between two cases, or on the way into one */
  if (signal == SIGALRM && (u32)g[REG_EIP] >= 0x10000) return;
  if (r == 0) {
    static const char text[] = "fault in execute itself\n";
    if (write(2, text, sizeof text - 1) < 0) _exit(3);
    _exit(2);
  }
  for (int i = 0; i < 8; i++) r->gpr[i] = g[order[i]];
  for (int i = 0; i < 6; i++) r->selectors[i] = g[segments[i]];
  r->eflags = g[REG_EFL], r->eip = g[REG_EIP];
  r->vector = signal == SIGALRM ? TIMEOUT : signal == SIGSYS ? 254 : g[REG_TRAPNO];
  r->error = g[REG_ERR], r->cr2 = m->cr2;
  copy(r->fx, (u8 *)m->fpregs + 112, 512);
  current = 0;
  g[REG_EIP] = (u32)case_ended;
  g[REG_CS] = CS32, g[REG_SS] = g[REG_DS] = g[REG_ES] = DS32, g[REG_FS] = 0, g[REG_GS] = host_gs;
  g[REG_ESP] = g[REG_UESP] = host_esp;
  g[REG_EFL] = 0x202;
}

static void segment(int entry, int contents, u32 base, u32 limit, int pages, int big, int read_only, int absent) {
  struct user_desc d = {.entry_number = entry, .base_addr = base, .limit = limit, .seg_32bit = big, .contents = contents,
                        .read_exec_only = read_only, .limit_in_pages = pages, .seg_not_present = absent, .useable = 1};
  if (syscall(SYS_modify_ldt, 0x11, &d, sizeof d) != 0) perror("modify_ldt"), exit(1);
}

static void set_up(void) {
  void *low = mmap((void *)LOW, HIGH - LOW, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (low != (void *)LOW) perror("mmap"), exit(1);
  /* contents: 0 data, 1 expand-down, 2 code, 3 conforming code */
  segment(0, 2, 0, 0xffff, 0, 0, 0, 0);
  segment(1, 0, 0, 0xfffff, 1, 0, 0, 0);
  segment(2, 0, 0, 0x8037, 0, 1, 0, 0);
  segment(3, 1, 0, 0x7fc1, 0, 1, 0, 0);
  segment(4, 0, 0, 0xfffff, 1, 1, 1, 0);
  segment(5, 2, 0, 0xfffff, 1, 1, 1, 0);
  segment(6, 0, 0, 0xfffff, 1, 1, 0, 1);
  segment(7, 3, 0, 0xfffff, 1, 1, 0, 1);
  segment(8, 1, 0, 0x7fc1, 0, 0, 0, 0);
  segment(9, 0, 0xfffff000, 0xfffff, 1, 1, 0, 0);
  segment(10, 0, 0x1000, 0xbf37, 0, 1, 0, 0);
  __asm__("mov %%gs, %0" : "=r"(host_gs));
  static u8 alternate[1 << 17];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  action.sa_sigaction = on_signal_entry;
  static const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS, SIGSYS, SIGALRM};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

static void protect(u32 page, int kind) {
  static const int protections[] = {PROT_READ | PROT_WRITE | PROT_EXEC, PROT_READ, PROT_NONE};
  mprotect((void *)(uintptr_t)page, 4096, protections[kind]);
}
static void protect_both(int data, int stack, const u8 *pages) {
  if (pages[0] != 0) protect(DATA + DATA_SIZE / 2, data);
  if (pages[1] != 0) protect(STACK + STACK_SIZE / 2, stack);
}

/* Nothing is left of the case before. */
static void clear(void) {
  memset((void *)LOW, 0, HIGH - LOW);
  memset((void *)(CODE & ~0xfff), 0xcc, 4096);
}

static void execute(Record *r) {
  const u8 pages[2] = {r->pages[0], r->pages[1]};
  clear();
  memcpy((void *)CODE, r->code, r->length);
  memcpy((void *)DATA, r->data, DATA_SIZE);
  memcpy((void *)STACK, r->stack, STACK_SIZE);
  memcpy(in_fx, r->fx, 512);
  memcpy(in_regs, r->gpr, sizeof in_regs);
  memcpy(in_segments, r->selectors, sizeof in_segments);
  in_flags = r->eflags;
  in_stack = (Far){r->gpr[4], r->selectors[SS], 0};
  in_target = (Far){r->eip, r->selectors[CS], 0};
  protect_both(pages[0], pages[1], pages);
  current = r;
  run_case();
  protect_both(0, 0, pages);
  memcpy(r->data, (void *)DATA, DATA_SIZE);
  memcpy(r->stack, (void *)STACK, STACK_SIZE);
}

int main(int argc, char **argv) {
  if (argc != 2) return fputs("usage: execute FILE\n", stderr), 2;
  int file = open(argv[1], O_RDWR);
  struct stat stat;
  if (file < 0 || fstat(file, &stat) != 0) return perror(argv[1]), 1;
  Record *records = mmap(NULL, stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  if (records == MAP_FAILED) return perror("mmap"), 1;
  set_up();
  struct itimerval often = {{0, 200000}, {0, 200000}};
  setitimer(ITIMER_REAL, &often, NULL);
  for (u32 i = 0; i < stat.st_size / sizeof *records; i++) execute(records + i);
  return 0;
}
