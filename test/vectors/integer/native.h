/*
 * The half of make-vectors.c that knows the processor: what a case starts from, how it is executed
 * natively and written down, and how operands are encoded.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t i32;
typedef int64_t i64;
typedef uint64_t u64;

/* Each window has a page boundary in its middle. */
enum { DATA = 0x7f80, CODE = 0x9000, STACK = 0xaf80, WINDOW = 256, LOW = 0x7000, HIGH = 0xd000 };
enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { CF = 1, OF = 2, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, RESULT = 8, SPECIAL = 0x20 };
/* What the second page of a window is. */
enum { PLAIN, READ_ONLY, ABSENT };
#define ALL_FLAGS (CF | OF | PF | AF | ZF | SF)
enum { CS32 = 0x23, DS32 = 0x2b };
static u16 cs16, ss16;

/* ---- the state that follows from an index --------------------------------------------------- */

static u32 seeded;
static u32 next(void) { /* mulberry32 */
  u32 t = seeded += 0x6d2b79f5;
  t = (t ^ t >> 15) * (1 | t);
  t ^= t + (t ^ t >> 7) * (61 | t);
  return t ^ t >> 14;
}
static u32 value(void) {
  u32 kind = next() & 15, r = next();
  switch (kind) {
  case 0: return 0;
  case 1: return 1;
  case 2: return 0xffffffff;
  case 3: return 0x80000000;
  case 4: return 0x7fffffff;
  case 5: return r & 0xff;
  case 6: return r | 0xffffff00;
  case 7: return r & 0xffff;
  case 8: return 1u << (r & 31);
  default: return r;
  }
}

typedef struct {
  u32 regs[8];
  u32 flags;
  u32 memory[2 * WINDOW / 4];
} State;

static State start;
static void seed_state(u32 index, int alphabet) {
  seeded = index * 0x9e3779b1u;
  for (int i = 0; i < 8; i++) start.regs[i] = value();
  u32 f = next();
  start.flags = (f & 0xd5) | (f & 2) << 10;
  for (int i = 0; i < 2 * WINDOW / 4; i++) start.memory[i] = value();
  if (alphabet) {
    u8 *bytes = (u8 *)start.memory;
    for (int i = 0; i < WINDOW; i++) bytes[i] = (next() & 31) ? 0x41 : 0x42;
  }
}

/* ---- native execution ----------------------------------------------------------------------- */

typedef struct { u32 offset; u16 selector; } __attribute__((packed)) Far;
u32 in_regs[8], out_regs[8], in_flags, out_flags, out_taken;
Far in_stack, in_target, host_stack;
void run_case(void), exit_next(void), exit_taken(void), exit_fault(void);
__asm__(
  ".text\n"
  "run_case:\n"
  "  pushal\n"
  "  movl %esp, host_stack\n"
  "  movl $in_flags, %esp\n"
  "  popfl\n"
  "  movl in_regs, %eax\n  movl in_regs+4, %ecx\n  movl in_regs+8, %edx\n  movl in_regs+12, %ebx\n"
  "  movl in_regs+20, %ebp\n  movl in_regs+24, %esi\n  movl in_regs+28, %edi\n"
  "  lss in_stack, %esp\n"
  "  ljmp *in_target\n"
  "exit_taken:\n"
  "  movl $1, out_taken\n"
  "  jmp 1f\n"
  "exit_next:\n"
  "  movl $0, out_taken\n"
  "1:\n"
  "  movl %eax, out_regs\n  movl %ecx, out_regs+4\n  movl %edx, out_regs+8\n  movl %ebx, out_regs+12\n"
  "  movl %esp, out_regs+16\n"
  "  movl %ebp, out_regs+20\n  movl %esi, out_regs+24\n  movl %edi, out_regs+28\n"
  "  lss host_stack, %esp\n"
  "  pushfl\n"
  "  popl out_flags\n"
  "exit_fault:\n"
  "  pushl $0x202\n"
  "  popfl\n"
  "  popal\n"
  "  ret\n");

static volatile int fault; /* vector or -1 */
static u32 fault_eip, fault_error, fault_address;
static void on_fault(int signal, siginfo_t *info, void *where) {
  (void)signal, (void)info;
  greg_t *g = ((ucontext_t *)where)->uc_mcontext.gregs;
  static const int order[8] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
  if ((u32)g[REG_EIP] >= 0x10000) { /* our own bug */
    static const char text[] = "fault in make-vectors itself\n";
    if (write(2, text, sizeof text - 1) < 0) _exit(3);
    _exit(2);
  }
  for (int i = 0; i < 8; i++) out_regs[i] = g[order[i]];
  out_flags = g[REG_EFL];
  fault_eip = g[REG_EIP];
  fault = g[REG_TRAPNO];
  fault_error = g[REG_ERR];
  fault_address = ((ucontext_t *)where)->uc_mcontext.cr2;
  g[REG_EIP] = (u32)exit_fault;
  g[REG_CS] = CS32;
  g[REG_SS] = DS32;
  g[REG_ESP] = g[REG_UESP] = host_stack.offset;
  g[REG_EFL] = 0x202;
}

static u16 ldt_segment(int entry, int contents) {
  struct user_desc d = {.entry_number = entry, .base_addr = 0, .useable = 1, .contents = contents};
  /* code ends at 64 KiB; the stack is the whole 4 GiB, for addresses in it are not only made by SP */
  d.limit = contents == 2 ? 0xffff : 0xfffff;
  d.limit_in_pages = contents != 2;
  if (syscall(SYS_modify_ldt, 1, &d, sizeof d) != 0) perror("modify_ldt"), exit(1);
  return entry << 3 | 7;
}

static void set_up(void) {
  void *low = mmap((void *)LOW, HIGH - LOW, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (low != (void *)LOW) perror("mmap"), exit(1);
  cs16 = ldt_segment(0, 2);
  ss16 = ldt_segment(1, 0);
  host_stack.selector = DS32;
  static u8 alternate[65536];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

/* ---- one case ------------------------------------------------------------------------------- */

static u32 case_index;
static u32 count_cases;
static FILE *body;

/* Being built. */
static u8 code[32];
static int length;
static int code16, stack16, direction, alphabet, data_page, stack_page;
static u8 undefined;
static u8 override_mask;
static u32 regs[8]; /* as the case starts */
static int taken_at; /* offset from CODE of the second landing place, 0 if there is none */

/* Choices that a reader of the file need not know. */
static u64 chooser;
static u32 choose(u32 n) {
  chooser = chooser * 6364136223846793005ull + 1442695040888963407ull;
  return (u32)(((chooser >> 32) * n) >> 32);
}

static void begin_in(int c16, int s16, int letters) {
  seed_state(case_index, letters);
  memcpy(regs, start.regs, sizeof regs);
  length = 0, code16 = c16, stack16 = s16, direction = 0, override_mask = 0, taken_at = 0;
  undefined = 0, alphabet = letters, data_page = stack_page = PLAIN;
}
static void begin(void) { begin_in(0, 0, 0); }
static void byte(u32 b) { code[length++] = b; }
static void bytes(int n, u32 v) { while (n--) byte(v), v >>= 8; }
static void set(int reg, u32 v) { regs[reg] = v; }

static void put16(u32 v) { fputc(v, body), fputc(v >> 8, body); }
static void put32(u32 v) { put16(v), put16(v >> 16); }

static void landing(u32 at, int c16, void (*where)(void)) {
  u8 *p = (u8 *)(uintptr_t)at;
  u32 target = (u32)where;
  if (c16) *p++ = 0x66;
  *p++ = 0xea;
  memcpy(p, &target, 4);
  p[4] = CS32, p[5] = 0;
}

static void put_registers(const u32 *from, const u32 *to) {
  u8 mask = 0;
  for (int i = 0; i < 8; i++) if (from[i] != to[i]) mask |= 1 << i;
  fputc(mask, body);
  for (int i = 0; i < 8; i++) if (mask >> i & 1) put32(to[i]);
}
static void put_memory(const u8 *before) {
  static u8 after[2 * WINDOW];
  memcpy(after, (void *)DATA, WINDOW);
  memcpy(after + WINDOW, (void *)STACK, WINDOW);
  int places[256], lengths[256], runs = 0;
  for (int i = 0; i < 2 * WINDOW; i++) {
    if (after[i] == before[i]) continue;
    int end = i;
    while (end + 1 < 2 * WINDOW && after[end + 1] != before[end + 1] && end + 1 - i < 255) end++;
    places[runs] = i, lengths[runs++] = end + 1 - i;
    i = end;
  }
  fputc(runs, body);
  for (int r = 0; r < runs; r++) {
    put16(places[r]);
    fputc(lengths[r], body);
    fwrite(after + places[r], 1, lengths[r], body);
  }
}

static void protect(u32 window, int page) {
  static const int protections[] = {PROT_READ | PROT_WRITE | PROT_EXEC, PROT_READ, PROT_NONE};
  mprotect((void *)(uintptr_t)(window + WINDOW / 2), 4096, protections[page]);
}
static void protect_both(int data, int stack) {
  if (data_page != PLAIN) protect(DATA, data);
  if (stack_page != PLAIN) protect(STACK, stack);
}

static void end(void) {
  if (length > 15) fprintf(stderr, "case %u is %d bytes long\n", case_index, length), exit(1);
  memset((void *)(CODE - 128), 0xcc, 384);
  memcpy((void *)CODE, code, length);
  landing(CODE + length, code16, exit_next);
  if (taken_at != 0) landing(CODE + taken_at, code16, exit_taken);
  memcpy((void *)DATA, start.memory, WINDOW);
  memcpy((void *)STACK, (u8 *)start.memory + WINDOW, WINDOW);
  memcpy(in_regs, regs, sizeof regs);
  in_flags = start.flags | 0x202 | (direction ? 0x400 : 0);
  in_stack = (Far){regs[ESP], stack16 ? ss16 : DS32};
  in_target = (Far){CODE, code16 ? cs16 : CS32};
  fault = -1;
  protect_both(data_page, stack_page);
  run_case();
  protect_both(PLAIN, PLAIN);

  int special = alphabet | data_page << 1 | stack_page << 3;
  fputc(length | code16 << 4 | stack16 << 5 | direction << 6 | (fault >= 0) << 7, body);
  fputc(undefined | (special ? SPECIAL : 0), body);
  if (special) fputc(special, body);
  fwrite(code, 1, length, body);
  put_registers(start.regs, regs);
  if (fault >= 0) fputc(fault, body);
  if (fault == 14) fputc(fault_error, body), put16(fault_address);
  put16(out_flags & 0xfdfd);
  fputc(fault >= 0 ? (int)(fault_eip - CODE) : out_taken ? taken_at : length, body);
  put_registers(regs, out_regs);
  put_memory((u8 *)start.memory);
  case_index++, count_cases++;
}

/* ---- encoding ------------------------------------------------------------------------------- */

static int any(void) { return choose(8); }
/* A register other than ESP. */
static int general(void) { int r = choose(7); return r < 4 ? r : r + 1; }

static void operand_size(int size) {
  if (size != 1 && (size == 2) != code16) byte(0x66);
}
static void address_size(int size) {
  if ((size == 2) != code16) byte(0x67);
}

/* Where a memory operand is to lie: often across the page boundary. */
static u32 place(int size) {
  if (size > 1 && choose(4) == 0) return DATA + WINDOW / 2 - 1 - choose(size - 1);
  return DATA + choose(WINDOW - size + 1);
}

/*
 * How a memory operand is written is chosen before the opcode, for it may need prefixes. `bias` is what
 * ESP grows by before the address is computed (POP).
 */
static struct { u32 at; int wide, bias, segment, form, base, index, scale; } operand;
static void plan_memory(u32 at, int bias) {
  /* in turn, so that no instruction misses one: 32-bit with and without index, 16-bit */
  static u32 turn;
  u32 kind = turn++ % 5;
  operand.at = at, operand.bias = bias;
  operand.wide = kind != 4;
  operand.form = kind == 4 ? choose(4) : kind < 2 ? choose(4) : 4 + choose(3);
  operand.base = any(), operand.index = general(), operand.scale = choose(4);
  operand.segment = 0;
  if (choose(8) == 0 && length < 4) {
    static const u8 overrides[] = {0x26, 0x2e, 0x36, 0x3e};
    operand.segment = overrides[choose(4)];
    byte(operand.segment);
  }
  address_size(operand.wide ? 4 : 2);
}
static int is_free(int reg) { return !(override_mask >> reg & 1) && reg != ESP; }
static void force(int reg, u32 v) { set(reg, v), override_mask |= 1 << reg; }
static u32 seen(int reg) {
  if (reg != ESP) return regs[reg];
  return stack16 ? (regs[ESP] & 0xffff0000) | ((regs[ESP] + operand.bias) & 0xffff) : regs[ESP] + operand.bias;
}

static void memory_wide(int reg) {
  int base = operand.base, index = operand.index, scale = operand.scale;
  u32 at = operand.at, scaled = regs[index] << scale;
  int small = (int)choose(256) - 128;
  switch (operand.form) {
  case 0: /* disp32 */
    byte(reg << 3 | 5), bytes(4, at);
    return;
  case 1: /* base */
    if (!is_free(base) || base == EBP) break;
    force(base, at);
    byte(reg << 3 | base);
    return;
  case 2: /* base + disp8 */
    if (!is_free(base)) break;
    force(base, at - small);
    byte(0x40 | reg << 3 | base), byte(small);
    return;
  case 4: /* base + index + disp8 */
    if (is_free(base) && base != index) {
      force(base, at - small - scaled);
      byte(0x44 | reg << 3), byte(scale << 6 | index << 3 | base), byte(small);
      return;
    }
    /* fall through */
  case 5: /* base + index + disp32 */
    byte(0x84 | reg << 3), byte(scale << 6 | index << 3 | base), bytes(4, at - scaled - seen(base));
    return;
  case 6: /* index + disp32 */
    byte(4 | reg << 3), byte(scale << 6 | index << 3 | 5), bytes(4, at - scaled);
    return;
  }
  /* base + disp32 */
  byte(0x80 | reg << 3 | base);
  if (base == ESP) byte(0x24);
  bytes(4, at - seen(base));
}
static void memory_narrow(int reg) {
  static const int bases[8] = {EBX, EBX, EBP, EBP, ESI, EDI, EBP, EBX};
  static const int indices[8] = {ESI, EDI, ESI, EDI, -1, -1, -1, -1};
  int rm = operand.base, base = bases[rm];
  u32 at = operand.at, index = indices[rm] < 0 ? 0 : regs[indices[rm]];
  int small = (int)choose(256) - 128;
  u32 upper = regs[base] & 0xffff0000;
  switch (operand.form) {
  case 0: /* disp16 */
    byte(reg << 3 | 6), bytes(2, at);
    return;
  case 1:
    if (!is_free(base) || rm == 6) break;
    force(base, upper | ((at - index) & 0xffff));
    byte(reg << 3 | rm);
    return;
  case 2:
    if (!is_free(base)) break;
    force(base, upper | ((at - small - index) & 0xffff));
    byte(0x40 | reg << 3 | rm), byte(small);
    return;
  }
  byte(0x80 | reg << 3 | rm), bytes(2, at - index - regs[base]);
}
static void memory(int reg) {
  if (operand.wide) memory_wide(reg);
  else memory_narrow(reg);
}
static void registers(int reg, int rm) { byte(0xc0 | reg << 3 | rm); }

/* opcode /r with a register or memory as r/m; immediates follow. */
typedef struct { int size, memory; int lock; } Form;
static void modrm(Form f, u32 opcode, int reg, int rm, int memory_size) {
  if (f.lock) byte(0xf0);
  if (f.memory) plan_memory(place(memory_size), 0);
  operand_size(f.size);
  if (opcode > 0xff) byte(opcode >> 8);
  byte(opcode);
  if (f.memory) memory(reg);
  else registers(reg, rm);
}
