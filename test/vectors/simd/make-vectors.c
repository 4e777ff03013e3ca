/*
 * Makes simd.vectors: SIMD instructions with random and edge operands, executed by the processor that
 * this program runs on.
 *
 *   npx tsx forms.ts > forms.txt
 *   gcc -m32 -O1 -mno-sse -o make-vectors make-vectors.c
 *   ./make-vectors forms.txt CASES_PER_FORM FIRST_INDEX > simd.vectors
 *
 * A case starts from a state that follows from its index alone (seed_state), except for registers and
 * memory that the case forces. The file is a line of text, an empty line, then in little-endian order:
 *
 *   u32 count, u32 first index; then the cases:
 *   u8 length of the code (bits 0-3), BIG (bit 4), POKE (bit 5), FAULTS (bit 7); u8 second page; code
 *   POKE: u16 offset in the window, u32 value there at the start
 *   u8 mask of forced general registers, their values
 *   FAULTS: u8 vector; #PF: u8 error code, u16 low half of CR2
 *   u8 what changed: 1 EFLAGS, 2 MXCSR, 4 x87 words, 8 tags, 16 general, 32 XMM, 64 x87 registers, 128 memory
 *   then those: u16; u32; u16 control and status; u8 abridged; mask and values of 4, 16 and 10 bytes;
 *   u8 runs of memory: u16 offset in the window, u8 length, bytes
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

/* Windows around a page boundary: the usual one, and one for the state image. */
enum { BOUNDARY = 0x8000, SMALL = 64, LARGE = 640, CODE = 0x9000, LOW = 0x7000, HIGH = 0xa000 };
enum { BIG = 0x10, POKE = 0x20, FAULTS = 0x80 };
enum { PLAIN, READ_ONLY, ABSENT };
enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };

/* ---- the state that follows from an index */

static u32 seeded;
static u32 next(void) { /* mulberry32 */
  u32 t = seeded += 0x6d2b79f5;
  t = (t ^ t >> 15) * (1 | t);
  t ^= t + (t ^ t >> 7) * (61 | t);
  return t ^ t >> 14;
}

/* The words of an image of FXSAVE; x87 registers in the order of their numbers. */
typedef struct {
  u32 xmm[8][4], x87[8][4], regs[8];
  u32 flags, mxcsr, status, tags;
  u32 memory[2 * LARGE / 4];
} State;
static State start;
static u32 previous[4];

static void element(u32 *word, int bits) {
  static const u32 edges[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x80000001, 0xfffffffe, 0x7ffffffe};
  u32 result = 0;
  for (int at = 0; at < 32; at += bits) {
    u32 r = next(), edge = edges[r & 7], mask = bits == 32 ? 0xffffffff : (1u << bits) - 1;
    /* sign and low bits of the edge */
    u32 narrow = ((edge >> 31) << (bits - 1)) | (edge & (mask >> 1));
    result |= ((r >> 8 & 3) == 0 ? r >> 10 & mask : narrow) << at;
  }
  *word = result;
}
static void vector(u32 *v) {
  u32 kind = next() & 15;
  for (int i = 0; i < 4; i++) {
    if (kind < 6) v[i] = next();
    else if (kind < 8) element(v + i, 8);
    else if (kind < 10) element(v + i, 16);
    else if (kind < 12) element(v + i, 32);
    else if (kind < 14) v[i] = i == 0 ? next() % 72 : i == 1 ? 0 : next(); /* a shift count */
    else v[i] = previous[i] ^ (i == 1 ? next() & 0xff00 : 0);              /* nearly the last one */
  }
  memcpy(previous, v, 16);
}

static void seed_state(u32 index, int big) {
  seeded = index * 0x9e3779b1u;
  memset(previous, 0, sizeof previous);
  for (int i = 0; i < 8; i++) vector(start.xmm[i]);
  for (int i = 0; i < 8; i++) vector(start.x87[i]);
  for (int i = 0; i < 8; i++) start.regs[i] = next();
  start.flags = (next() & 0x8d5) | 2;
  start.mxcsr = (next() & 0xe07f) | 0x1f80;
  start.status = next() & 0x7f00;
  start.tags = next() & 0xff;
  int size = big ? LARGE : SMALL;
  memset(start.memory, 0, sizeof start.memory);
  for (int i = 0; i < 2 * size / 4; i += 4) vector(start.memory + i);
}

/* ---- native execution */

u32 in_regs[8], out_regs[8], in_flags, out_flags, host_stack, target = CODE;
u8 in_image[512] __attribute__((aligned(16))), out_image[512] __attribute__((aligned(16)));
void run_case(void), exit_next(void), exit_fault(void);
__asm__(
  ".text\n"
  "run_case:\n"
  "  pushal\n"
  "  movl %esp, host_stack\n"
  "  fxrstor in_image\n"
  "  pushl in_flags\n"
  "  popfl\n"
  "  movl in_regs, %eax\n  movl in_regs+4, %ecx\n  movl in_regs+8, %edx\n  movl in_regs+12, %ebx\n"
  "  movl in_regs+20, %ebp\n  movl in_regs+24, %esi\n  movl in_regs+28, %edi\n"
  "  jmp *target\n"
  "exit_next:\n"
  "  movl %eax, out_regs\n  movl %ecx, out_regs+4\n  movl %edx, out_regs+8\n  movl %ebx, out_regs+12\n"
  "  movl %ebp, out_regs+20\n  movl %esi, out_regs+24\n  movl %edi, out_regs+28\n"
  "  movl host_stack, %esp\n"
  "  pushfl\n"
  "  popl out_flags\n"
  "exit_fault:\n"
  "  fxsave out_image\n"
  "  pushl $0x202\n"
  "  popfl\n"
  "  fninit\n"
  "  popal\n"
  "  ret\n");

static volatile int fault;
static u32 fault_error, fault_address;
static void on_fault(int number, siginfo_t *info, void *where) {
  (void)number, (void)info;
  ucontext_t *context = where;
  greg_t *g = context->uc_mcontext.gregs;
  static const int order[8] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
  if ((u32)g[REG_EIP] != CODE) abort();
  for (int i = 0; i < 8; i++) out_regs[i] = g[order[i]];
  out_flags = g[REG_EFL];
  fault = g[REG_TRAPNO];
  fault_error = g[REG_ERR];
  fault_address = context->uc_mcontext.cr2;
  g[REG_EIP] = (u32)exit_fault;
  g[REG_ESP] = g[REG_UESP] = host_stack;
  g[REG_EFL] = 0x202;
}

static void set_up(void) {
  void *low = mmap((void *)LOW, HIGH - LOW, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (low != (void *)LOW) perror("mmap"), exit(1);
  static u8 alternate[65536];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

/* ---- one case */

static u32 case_index, count_cases;
static FILE *body;
static u8 code[32];
static int length, big, page, poke_at;
static u32 forced, poke_value;

static unsigned long long chooser;
static u32 choose(u32 n) {
  chooser = chooser * 6364136223846793005ull + 1442695040888963407ull;
  return (u32)(((chooser >> 32) * n) >> 32);
}
static void byte(u32 b) { code[length++] = b; }
static void bytes(int n, u32 v) { while (n--) byte(v), v >>= 8; }
static void put16(u32 v) { fputc(v, body), fputc(v >> 8, body); }
static void put32(u32 v) { put16(v), put16(v >> 16); }
static void force(int reg, u32 v) { start.regs[reg] = v, forced |= 1u << reg; }

static void put_registers(u32 mask, const u8 *values, int stride, int size) {
  fputc(mask, body);
  for (int i = 0; i < 8; i++) if (mask >> i & 1) fwrite(values + i * stride, 1, size, body);
}
static u32 changed(const u8 *before, const u8 *after, int stride, int size) {
  u32 mask = 0;
  for (int i = 0; i < 8; i++) mask |= (u32)(memcmp(before + i * stride, after + i * stride, size) != 0) << i;
  return mask;
}
static void put_memory(const u8 *before, const u8 *after, int size) {
  int places[400], lengths[400], runs = 0;
  for (int i = 0; i < size; i++) {
    if (after[i] == before[i]) continue;
    int last = i;
    for (int j = i; j < size && j < i + 255 && j <= last + 3; j++) if (after[j] != before[j]) last = j;
    places[runs] = i, lengths[runs++] = last + 1 - i;
    i = last;
  }
  fputc(runs, body);
  for (int r = 0; r < runs; r++) put16(places[r]), fputc(lengths[r], body), fwrite(after + places[r], 1, lengths[r], body);
}

static void image_of(u8 *image) {
  u32 top = start.status >> 11 & 7;
  memset(image, 0, 512);
  *(u16 *)image = 0x37f;
  *(u16 *)(image + 2) = start.status;
  image[4] = start.tags;
  *(u32 *)(image + 24) = start.mxcsr;
  for (int i = 0; i < 8; i++) {
    memcpy(image + 32 + 16 * i, start.x87[(top + i) & 7], 10);
    memcpy(image + 160 + 16 * i, start.xmm[i], 16);
  }
}

static void end(void) {
  if (length > 15) fprintf(stderr, "case %u is %d bytes long\n", case_index, length), exit(1);
  int size = big ? LARGE : SMALL;
  u8 *window = (u8 *)(uintptr_t)(BOUNDARY - size);
  if (poke_at >= 0) memcpy((u8 *)start.memory + poke_at, &poke_value, 4);
  memcpy(window, start.memory, 2 * size);
  memcpy((void *)CODE, code, length);
  u8 *jump = (u8 *)(uintptr_t)(CODE + length);
  *jump = 0xe9;
  u32 distance = (u32)exit_next - (CODE + length + 5);
  memcpy(jump + 1, &distance, 4);
  image_of(in_image);
  memcpy(in_regs, start.regs, sizeof in_regs);
  in_flags = start.flags | 0x200;
  fault = -1;
  static const int protections[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE};
  if (page != PLAIN) mprotect((void *)BOUNDARY, 4096, protections[page]);
  run_case();
  if (page != PLAIN) mprotect((void *)BOUNDARY, 4096, PROT_READ | PROT_WRITE);

  fputc(length | (big ? BIG : 0) | (poke_at >= 0 ? POKE : 0) | (fault >= 0 ? FAULTS : 0), body);
  fputc(page, body);
  fwrite(code, 1, length, body);
  if (poke_at >= 0) put16(poke_at), put32(poke_value);
  put_registers(forced, (u8 *)start.regs, 4, 4);
  if (fault >= 0) fputc(fault, body);
  if (fault == 14) fputc(fault_error, body), put16(fault_address);

  /* x87 registers by their numbers, before and after */
  static u8 after[8][16];
  u32 top = out_image[3] >> 3 & 7;
  for (int i = 0; i < 8; i++) memcpy(after[(top + i) & 7], out_image + 32 + 16 * i, 10);
  out_regs[ESP] = start.regs[ESP];
  u32 mxcsr = *(u32 *)(out_image + 24), flags = out_flags & 0x8d5;
  u32 words = *(u32 *)out_image;
  u32 general = changed((u8 *)start.regs, (u8 *)out_regs, 4, 4);
  u32 xmm = changed((u8 *)start.xmm, out_image + 160, 16, 16), x87 = changed((u8 *)start.x87, (u8 *)after, 16, 10);
  int stored = memcmp(start.memory, window, 2 * size) != 0;
  u8 what = (flags != (start.flags & 0x8d5)) | (mxcsr != start.mxcsr) << 1 |
            (words != (0x37f | start.status << 16)) << 2 | (out_image[4] != start.tags) << 3 | (general != 0) << 4 |
            (xmm != 0) << 5 | (x87 != 0) << 6 | stored << 7;
  fputc(what, body);
  if (what & 1) put16(flags);
  if (what & 2) put32(mxcsr);
  if (what & 4) put32(words);
  if (what & 8) fputc(out_image[4], body);
  if (what & 16) put_registers(general, (u8 *)out_regs, 4, 4);
  if (what & 32) put_registers(xmm, out_image + 160, 16, 16);
  if (what & 64) put_registers(x87, (u8 *)after, 16, 10);
  if (what & 128) put_memory((u8 *)start.memory, window, 2 * size);
  case_index++, count_cases++;
}

/* ---- encoding */

typedef struct {
  char prefix[4], kind, reg_file, rm_file, mnemonic[24];
  u32 opcode;
  int digit, immediate, size, alignment;
} Form;

/* Any register but ESP. */
static int general(void) { int r = choose(7); return r < 4 ? r : r + 1; }
static int number(char file) { return file == 'g' ? general() : (int)choose(8); }

/* Where an operand of `size` bytes is to lie; in one case of eight it is not aligned though it should be. */
static u32 place(int size, int alignment) {
  int half = big ? LARGE : SMALL;
  u32 at = BOUNDARY - half + choose(2 * half - size + 1);
  if (size > 1 && choose(3) == 0) at = BOUNDARY - 1 - choose(size - 1);
  if (alignment > 1 && choose(8) != 0) at &= ~(u32)(alignment - 1);
  return at;
}

static void memory(int reg, u32 at, int mode) {
  int base = general(), index = general();
  u32 small = choose(256) - 128;
  switch (mode) {
  case 0: /* disp32 */
    byte(reg << 3 | 5), bytes(4, at);
    return;
  case 1: /* base + disp8 */
    force(base, at - (u32)(int8_t)small);
    byte(0x40 | reg << 3 | base), byte(small);
    return;
  case 2: /* base + index * scale + disp32 */
    byte(0x84 | reg << 3), byte(2 << 6 | index << 3 | base);
    bytes(4, at - start.regs[base] - start.regs[index] * 4);
    return;
  default: /* [BX + SI + disp16], behind a prefix */
    byte(0x80 | reg << 3), bytes(2, at - start.regs[EBX] - start.regs[ESI]);
  }
}

static void make_case(const Form *f) {
  length = 0, forced = 0, page = PLAIN, poke_at = -1;
  big = f->size == 512;
  seed_state(case_index, big);
  int mode = choose(4), reg = f->digit >= 0 ? f->digit : number(f->reg_file);
  int masked = strncmp(f->mnemonic, "maskmov", 7) == 0;
  if (f->kind == 'm' || masked) {
    u32 r = choose(6);
    page = r == 0 ? ABSENT : r == 1 ? READ_ONLY : PLAIN;
  }
  if (f->kind == 'm' && mode == 3) byte(0x67);
  if (f->prefix[0] != '0') byte(strtoul(f->prefix, NULL, 16));
  byte(f->opcode >> 8), byte(f->opcode);
  if (f->kind == 'r') byte(0xc0 | reg << 3 | number(f->rm_file));
  if (f->kind == 'n' && f->digit >= 0) byte(f->digit);
  if (f->kind == 'm') {
    u32 at = place(f->size, f->alignment);
    memory(reg, at, mode);
    int loads = strcmp(f->mnemonic, "ldmxcsr") == 0 ? 0 : strcmp(f->mnemonic, "fxrstor") == 0 ? 24 : -1;
    if (loads >= 0 && choose(8) != 0) {
      poke_at = at + loads - (BOUNDARY - (big ? LARGE : SMALL));
      poke_value = choose(0x10000);
    }
  }
  if (masked) force(EDI, place(f->mnemonic[7] == 'q' ? 8 : 16, 1));
  if (f->immediate) byte(choose(3) == 0 ? choose(256) : choose(24));
  end();
}

int main(int count, char **arguments) {
  if (count != 4) fprintf(stderr, "make-vectors FORMS CASES_PER_FORM FIRST_INDEX\n"), exit(1);
  FILE *list = fopen(arguments[1], "r");
  if (list == NULL) perror(arguments[1]), exit(1);
  int cases = atoi(arguments[2]);
  u32 first = case_index = strtoul(arguments[3], NULL, 0);
  chooser = first;
  char *text;
  size_t size;
  body = open_memstream(&text, &size);
  set_up();
  Form f;
  while (fscanf(list, "%3s %x %d %c %c %c %d %d %d %23s", f.prefix, &f.opcode, &f.digit, &f.kind, &f.reg_file,
                &f.rm_file, &f.immediate, &f.size, &f.alignment, f.mnemonic) == 10) {
    /* with nothing to choose a few are enough, and images are long */
    int times = f.kind == 'n' ? 2 : f.size == 512 ? (cases + 3) / 4 : cases;
    while (times-- > 0) make_case(&f);
  }
  fclose(body);
  printf("SIMD instructions as executed by a processor: see make-vectors.c\n\n");
  fflush(stdout);
  fwrite(&count_cases, 4, 1, stdout);
  fwrite(&first, 4, 1, stdout);
  fwrite(text, 1, size, stdout);
}
