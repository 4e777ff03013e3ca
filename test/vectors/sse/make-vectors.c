/*
 * Makes test vectors for the floating-point instructions of SSE, SSE2 and SSE3 by executing them
 * natively, on the processor that this program runs on, in every state of MXCSR. An unmasked exception
 * arrives as SIGFPE: the handler skips the instruction, so that the record shows MXCSR and the
 * destination as the exception left them.
 *
 *   gcc -O2 -o make-vectors make-vectors.c        (x86-64 Linux)
 *   ./make-vectors FAMILY COUNT SEED > cases.bin
 *
 * FAMILY is arithmetic, approximation, compare, convert or horizontal; COUNT is of cases. Record, 68
 * bytes, little endian. In: mandatory prefix or 0, opcode, immediate or 0, EFLAGS; MXCSR; XMM0, the
 * destination; XMM1, the source, whose low bytes are also MM1 and ECX. Out: MXCSR with bit 31 set if
 * the instruction raised #XM; XMM0; MM0, or EAX in the low half and EFLAGS in the high one. EFLAGS are
 * & 0xd5 with OF in bit 1. Before the instruction MM0 and EAX hold 0x5a in every byte.
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
typedef uint32_t u32;
typedef uint64_t u64;

typedef struct {
  u8 prefix, opcode, immediate, eflags;
  u32 mxcsr;
  u8 destination[16], source[16];
  u32 mxcsr_out;
  u8 destination_out[16];
  u8 other_out[8];
} Case;

static u64 rng_state;
static u64 rng(void) { /* splitmix64 */
  u64 z = (rng_state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
static u32 below(u32 n) { return (u32)(rng() >> 32) % n; }

/* ---- operands: a format has `p` bits of fraction and `w` of exponent -------------------------- */

typedef struct { int p, w; } Format;
static const Format SINGLE = {23, 8}, DOUBLE = {52, 11};

static u64 ones(int n) { return n >= 64 ? ~0ull : (1ull << n) - 1; }
static int largest(Format f) { return (1 << f.w) - 2; }
static int bias(Format f) { return (1 << (f.w - 1)) - 1; }
static u64 sign_bit(Format f) { return 1ull << (f.p + f.w); }

static u64 fraction(Format f) {
  u64 r = rng() & ones(f.p);
  switch (below(9)) {
  case 0: return 0;
  case 1: return ones(f.p);
  case 2: return 1;
  case 3: return 1ull << below(f.p);
  case 4: return ones(f.p) << below(f.p) & ones(f.p);
  case 5: return r & ones(f.p) << f.p / 2; /* products and roots that are exact or half a unit */
  case 6: return r & ~ones(f.p - below(6));
  default: return r;
  }
}

static u64 scaled(Format f, int exponent) {
  if (exponent < 0) exponent = 0;
  if (exponent > largest(f)) exponent = largest(f);
  return (rng() & sign_bit(f)) | (u64)exponent << f.p | fraction(f);
}

static u64 special(Format f) {
  u64 sign = rng() & sign_bit(f), top = (u64)(largest(f) + 1) << f.p, r = rng() & ones(f.p);
  switch (below(12)) {
  case 0: case 1: return sign;
  case 2: return sign | r;                                     /* denormal */
  case 3: return sign | 1ull << below(f.p);
  case 4: return sign | ones(f.p);
  case 5: return sign | 1ull << f.p;                           /* smallest normal */
  case 6: return sign | (top - 1);                             /* largest */
  case 7: case 8: return sign | top;                           /* infinity */
  case 9: return sign | top | 1ull << (f.p - 1) | r;           /* quiet NaN */
  case 10: return sign | top | (r & ones(f.p - 1)) | 1;        /* signalling NaN */
  default: return sign | top | 1ull << (f.p - 1);
  }
}

static u64 number(Format f) {
  switch (below(8)) {
  case 0: case 1: return special(f);
  case 2: return scaled(f, below(largest(f) + 1));
  case 3: return scaled(f, below(2 * f.p));
  case 4: return scaled(f, largest(f) - below(4));
  case 5: return scaled(f, bias(f) + below(2 * f.p));
  default: return scaled(f, bias(f) + (int)below(8) - 4);
  }
}

/* A second operand that makes cancellation, ties, overflow and underflow likely. */
static u64 partner(Format f, u64 a) {
  int e = (int)(a >> f.p & ones(f.w));
  switch (below(12)) {
  case 0: return scaled(f, e + (int)below(2 * f.p + 8) - f.p - 4);
  case 1: return a ^ (rng() & sign_bit(f));
  case 2: return a ^ (rng() & sign_bit(f)) ^ 1ull << below(f.p);
  case 3: return scaled(f, bias(f) + largest(f) - e + (int)below(5) - 2);    /* product at the top */
  case 4: return scaled(f, bias(f) - e + (int)below(f.p + 6) - f.p - 3);     /* ... and the bottom */
  case 5: return scaled(f, e - bias(f) + (int)below(f.p + 6) - 2);           /* quotient */
  case 6: return scaled(f, e + bias(f) + (int)below(f.p + 6) - 3);
  default: return number(f);
  }
}

/* Numbers at home near 32-bit integers. */
static u64 near_integer(Format f) {
  int e = bias(f) + (below(3) ? (int)below(34) - 2 : 29 + (int)below(4));
  u64 x = scaled(f, e);
  int point = f.p - (e - bias(f)); /* bits after the point */
  if (point > 0 && point <= f.p) switch (below(4)) {
    case 0: x &= ~ones(point); break;
    case 1: x = (x & ~ones(point)) | 1ull << (point - 1); break;
    case 2: x |= ones(point); break;
    }
  return x;
}

/* Numbers of the wide format about the ends of the narrow one. */
static u64 narrowing(void) {
  int least = bias(DOUBLE) - 126;
  u64 x;
  switch (below(5)) {
  case 0: return scaled(DOUBLE, least - (int)below(28));
  case 1: return scaled(DOUBLE, bias(DOUBLE) + 124 + below(6));
  case 2: x = scaled(DOUBLE, bias(DOUBLE) + (int)below(20) - 10); break;
  case 3: x = scaled(DOUBLE, least + (int)below(4) - 2); break;
  default: return number(DOUBLE);
  }
  switch (below(4)) {
  case 0: return x & ~ones(29);
  case 1: return (x & ~ones(29)) | 1ull << 28;
  case 2: return x | ones(28 + below(4));
  default: return x;
  }
}

static u32 integer(void) {
  u32 r = (u32)rng();
  switch (below(5)) {
  case 0: return below(2) ? 0 : 0x80000000u >> below(2);
  case 1: return 1u << below(32);
  case 2: return (u32)((int32_t)r >> below(32));
  case 3: return 0u - (1u << below(25)) + below(3);
  default: return r;
  }
}

/* ---- forms ------------------------------------------------------------------------------------ */

/* Types of the operands: S single, D double, I integer. `lanes` of the source's type. */
typedef struct { u8 prefix, opcode, lanes; char destination, source; } Form;

#define FOUR(opcode) {0, opcode, 4, 'S', 'S'}, {0x66, opcode, 2, 'D', 'D'}, {0xf3, opcode, 1, 'S', 'S'}, {0xf2, opcode, 1, 'D', 'D'}
static const Form arithmetic[] = {FOUR(0x51), FOUR(0x58), FOUR(0x59), FOUR(0x5c), FOUR(0x5d), FOUR(0x5e), FOUR(0x5f)};
static const Form approximation[] = {{0, 0x52, 4, 'S', 'S'}, {0xf3, 0x52, 1, 'S', 'S'}, {0, 0x53, 4, 'S', 'S'}, {0xf3, 0x53, 1, 'S', 'S'}};
static const Form compare[] = {
  FOUR(0xc2), {0, 0x2e, 1, 'S', 'S'}, {0x66, 0x2e, 1, 'D', 'D'}, {0, 0x2f, 1, 'S', 'S'}, {0x66, 0x2f, 1, 'D', 'D'},
};
static const Form convert[] = {
  {0, 0x2a, 2, 'S', 'I'}, {0x66, 0x2a, 2, 'D', 'I'}, {0xf3, 0x2a, 1, 'S', 'I'}, {0xf2, 0x2a, 1, 'D', 'I'},
  {0, 0x2c, 2, 'I', 'S'}, {0x66, 0x2c, 2, 'I', 'D'}, {0xf3, 0x2c, 1, 'I', 'S'}, {0xf2, 0x2c, 1, 'I', 'D'},
  {0, 0x2d, 2, 'I', 'S'}, {0x66, 0x2d, 2, 'I', 'D'}, {0xf3, 0x2d, 1, 'I', 'S'}, {0xf2, 0x2d, 1, 'I', 'D'},
  {0, 0x5a, 2, 'D', 'S'}, {0x66, 0x5a, 2, 'S', 'D'}, {0xf3, 0x5a, 1, 'D', 'S'}, {0xf2, 0x5a, 1, 'S', 'D'},
  {0, 0x5b, 4, 'S', 'I'}, {0x66, 0x5b, 4, 'I', 'S'}, {0xf3, 0x5b, 4, 'I', 'S'},
  {0x66, 0xe6, 2, 'I', 'D'}, {0xf3, 0xe6, 2, 'D', 'I'}, {0xf2, 0xe6, 2, 'I', 'D'},
};
static const Form horizontal[] = {
  {0x66, 0x7c, 2, 'D', 'D'}, {0xf2, 0x7c, 4, 'S', 'S'}, {0x66, 0x7d, 2, 'D', 'D'}, {0xf2, 0x7d, 4, 'S', 'S'},
  {0x66, 0xd0, 2, 'D', 'D'}, {0xf2, 0xd0, 4, 'S', 'S'},
};
typedef struct { const char *name; const Form *forms; u32 count; } Family;
#define FAMILY(name) {#name, name, sizeof name / sizeof *name}
static const Family families[] = {FAMILY(arithmetic), FAMILY(approximation), FAMILY(compare), FAMILY(convert), FAMILY(horizontal)};

static void fill(const Form *form, int horizontally, Case *c) {
  u32 *d4 = (u32 *)c->destination, *s4 = (u32 *)c->source;
  u64 *d8 = (u64 *)c->destination, *s8 = (u64 *)c->source;
  int converts = form->destination != form->source;
  /* most lanes tame, so that a single odd one decides the flags of all */
  int tame = below(3) == 0;
  u32 odd = below(5);
  if (form->source == 'I') {
    for (int i = 0; i < 4; i++) s4[i] = integer(), d4[i] = (u32)rng();
  } else if (form->source == 'S') {
    for (u32 i = 0; i < 4; i++) {
      int calm = tame && i != odd;
      u64 a = calm ? scaled(SINGLE, bias(SINGLE) + below(3)) : number(SINGLE);
      u64 b = calm ? scaled(SINGLE, bias(SINGLE) + below(3)) : below(2) ? partner(SINGLE, a) : number(SINGLE);
      if (form->destination == 'I' && below(3)) b = near_integer(SINGLE);
      d4[i] = (u32)a, s4[i] = (u32)b;
    }
    if (horizontally && below(2)) d4[1] = (u32)partner(SINGLE, d4[0]), s4[3] = (u32)partner(SINGLE, s4[2]);
  } else {
    for (u32 i = 0; i < 2; i++) {
      int calm = tame && i != (odd < 4 ? odd & 1 : 4);
      u64 a = calm ? scaled(DOUBLE, bias(DOUBLE) + below(3)) : number(DOUBLE);
      u64 b = calm ? scaled(DOUBLE, bias(DOUBLE) + below(3)) : below(2) ? partner(DOUBLE, a) : number(DOUBLE);
      if (form->destination == 'I' && below(3)) b = near_integer(DOUBLE);
      if (form->destination == 'S') b = narrowing();
      d8[i] = a, s8[i] = b;
    }
    if (horizontally && below(2)) d8[1] = partner(DOUBLE, d8[0]), s8[1] = partner(DOUBLE, s8[0]);
  }
  if (converts && below(8) == 0) memset(c->source, 0, 16);
}

static void choose(const Form *form, int horizontally, Case *c) {
  memset(c, 0, sizeof *c);
  c->prefix = form->prefix, c->opcode = form->opcode;
  if (c->opcode == 0xc2) c->immediate = below(16) ? below(8) : rng();
  c->eflags = rng() & 0xd7;
  c->mxcsr = below(4) << 13 | 0x1f80;
  if (below(3) == 0) c->mxcsr |= 0x40;
  if (below(3) == 0) c->mxcsr |= 0x8000;
  switch (below(6)) {
  case 0: c->mxcsr &= ~0x1f80 | (rng() & 0x1f80); break;
  case 1: c->mxcsr ^= 0x80 << below(6); break;
  }
  if (below(4) == 0) c->mxcsr |= rng() & 0x3f;
  /* as programs mostly have it: emitted code does these itself */
  if (below(3) == 0) c->mxcsr = (c->mxcsr & 0x8040) | 0x1fa0;
  fill(form, horizontally, c);
}

/* ---- execution -------------------------------------------------------------------------------- */

/* rdi: the case; returns EFLAGS. */
static u8 *code;
static int patch_at;
static volatile int trapped;

static void make_stub(void) {
  static const u8 bytes[] = {
    0x0f, 0x10, 0x47, 0x08,             /* movups xmm0, [rdi+8] */
    0x0f, 0x10, 0x4f, 0x18,             /* movups xmm1, [rdi+24] */
    0xb8, 0x5a, 0x5a, 0x5a, 0x5a,       /* mov eax, 0x5a5a5a5a */
    0x0f, 0x6e, 0xc0, 0x0f, 0x62, 0xc0, /* movd mm0, eax; punpckldq mm0, mm0 */
    0x0f, 0x6f, 0x4f, 0x18,             /* movq mm1, [rdi+24] */
    0x8b, 0x4f, 0x18,                   /* mov ecx, [rdi+24] */
    0x0f, 0xae, 0x57, 0x04,             /* ldmxcsr [rdi+4] */
    0x56, 0x9d,                         /* push rsi; popf */
    0x90, 0x90, 0x90, 0x90, 0x90,       /* the instruction */
    0x9c, 0x5a,                         /* pushf; pop rdx */
    0x0f, 0xae, 0x5f, 0x28,             /* stmxcsr [rdi+40] */
    0x0f, 0x11, 0x47, 0x2c,             /* movups [rdi+44], xmm0 */
    0x0f, 0x7f, 0x47, 0x3c,             /* movq [rdi+60], mm0 */
    0x0f, 0x77,                         /* emms */
    0x48, 0xc1, 0xe2, 0x20,             /* shl rdx, 32 */
    0x48, 0x09, 0xd0,                   /* or rax, rdx */
    0xc3,
  };
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) exit(1);
  memcpy(code, bytes, sizeof bytes);
  patch_at = 4 + 4 + 5 + 6 + 4 + 3 + 4 + 2;
}

static void on_fpe(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  ucontext_t *uc = context;
  if (uc->uc_mcontext.gregs[REG_RIP] != (long)(code + patch_at)) abort();
  uc->uc_mcontext.gregs[REG_RIP] += 5;
  trapped = 1;
}

static void execute(Case *c) {
  u8 *at = code + patch_at;
  memset(at, 0x90, 5);
  if (c->prefix != 0) *at++ = c->prefix;
  *at++ = 0x0f, *at++ = c->opcode, *at++ = 0xc1;
  if (c->opcode == 0xc2) *at++ = c->immediate;
  trapped = 0;
  u64 flags = 2 | (c->eflags & 0xd5) | (c->eflags & 2) << 10;
  u64 result = ((u64 (*)(Case *, u64))(void *)code)(c, flags);
  __asm__ volatile("ldmxcsr %0" ::"m"((u32){0x1f80}));
  u32 eflags = (u32)(result >> 32);
  int to_mmx = (c->opcode == 0x2c || c->opcode == 0x2d) && (c->prefix == 0 || c->prefix == 0x66);
  if (!to_mmx) {
    u32 words[2] = {(u32)result, (eflags & 0xd5) | (eflags >> 10 & 2)};
    memcpy(c->other_out, words, 8);
  }
  if (trapped) c->mxcsr_out |= 0x80000000u;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: make-vectors FAMILY COUNT SEED\n"), 2;
  const Family *family = 0;
  for (u32 i = 0; i < sizeof families / sizeof *families; i++)
    if (!strcmp(argv[1], families[i].name)) family = &families[i];
  if (family == 0) return fprintf(stderr, "no family %s\n", argv[1]), 2;
  rng_state = strtoull(argv[3], 0, 0);
  make_stub();
  struct sigaction action = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, 0);
  for (long n = 0; n < atol(argv[2]); n++) {
    Case c;
    choose(&family->forms[n % family->count], family->forms == horizontal, &c);
    execute(&c);
    fwrite(&c, sizeof c, 1, stdout);
  }
  return 0;
}
