/*
 * Makes test vectors for the x87 unit by executing every instruction natively, on the processor that
 * this program runs on. Each case loads a whole x87 state with FXRSTOR, executes one instruction and
 * stores the state with FXSAVE, so that unmasked exceptions stay pending instead of trapping.
 *
 *   gcc -O2 -fno-builtin -o make-vectors make-vectors.c        (x86-64 Linux)
 *   ./make-vectors FAMILY COUNT SEED > cases.bin
 *
 * FAMILY is arithmetic, compare, transfer, rest, transcendental or environment. Record of all but the
 * last, 82 bytes, little endian. In: opcode, ModRM, control word, status word, abridged tag word,
 * zero, ST(0), the other operand (ST(i), or ST(1) for forms without i), memory operand (10 bytes each).
 * Out: status word, abridged tag word, EFLAGS & 0xd5 with OF in bit 1, then ST(0), the other operand
 * and ST(7) counted from the old TOP, memory operand (or AX of FNSTSW AX). The registers that a record
 * does not name hold filler(i) of the physical register i.
 *
 * Record of the family environment (FNSTENV, FLDENV, FNSAVE, FRSTOR with both operand sizes), 412 bytes:
 * operand-size prefix or 0, opcode, ModRM, zero, then the state and the 108 bytes of the memory operand
 * before, and both after. CS and DS of the pointers are zero in both: processors that deprecate them
 * (CPUID.7.EBX[13]) do not keep them.
 *
 * Not here: #MF itself, FXSAVE and FXRSTOR.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#pragma pack(push, 1)
typedef struct {
  u64 significand;
  u16 exponent; /* sign in bit 15 */
} Real;
typedef struct {
  u8 opcode, modrm;
  u16 control, status;
  u8 tags, zero;
  Real st0, other, memory;
  u16 status_out;
  u8 tags_out, eflags_out;
  Real st0_out, other_out, st7_out, memory_out;
} Case;

typedef struct {
  u16 control, status;
  u8 tags, zero;
  u16 opcode;
  u32 ip, dp;
  Real st[8];
} State;
typedef struct {
  u8 prefix, opcode, modrm, zero;
  State before;
  u8 memory[108];
  State after;
  u8 memory_out[108];
} EnvironmentCase;
#pragma pack(pop)

static u64 rng_state;
static u64 rng(void) { /* splitmix64 */
  u64 z = (rng_state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
static u32 below(u32 n) { return (u32)(rng() >> 32) % n; }

static Real filler(int i) {
  Real r = {0xc000000000000000ull | (u64)i << 56 | i, (u16)(0x3fff + 16 * i)};
  return r;
}

/* ---- operands ------------------------------------------------------------------------------- */

static u64 significand(void) {
  u64 r = rng();
  switch (below(10)) {
  case 0: return 1ull << 63;
  case 1: return ~0ull;
  case 2: return 1ull << 63 | 1;
  case 3: return 1ull << 63 | 1ull << below(63);
  case 4: return ~0ull << below(64);                    /* leading ones */
  case 5: return 1ull << 63 | (r & ~0ull << 40);        /* 24 bits */
  case 6: return 1ull << 63 | (r & ~0ull << 39);        /* half a unit of 24 bits */
  case 7: return 1ull << 63 | (r & ~0ull << (10 + below(2)));
  default: return 1ull << 63 | r;
  }
}

static Real finite(int exponent) {
  Real r = {significand(), (u16)((exponent & 0x7fff) | (rng() & 0x8000))};
  return r;
}

static Real special(void) {
  u64 m = rng();
  u16 sign = rng() & 0x8000;
  u16 any = 1 + below(0x7ffe);
  Real r;
  switch (below(16)) {
  case 0: case 1: r = (Real){0, sign}; break;
  case 2: r = (Real){m >> (1 + below(63)), sign}; break;           /* denormal */
  case 3: r = (Real){1ull << below(63), sign}; break;
  case 4: r = (Real){m | 1ull << 63, sign}; break;                 /* pseudo-denormal */
  case 5: r = (Real){1ull << 63, sign}; break;
  case 6: r = (Real){1ull << 63, 1 | sign}; break;                 /* smallest normal */
  case 7: r = (Real){~0ull, 0x7ffe | sign}; break;                 /* largest */
  case 8: case 9: r = (Real){1ull << 63, 0x7fff | sign}; break;    /* infinity */
  case 10: r = (Real){m | 3ull << 62, 0x7fff | sign}; break;       /* quiet NaN */
  case 11: r = (Real){(m & ~(1ull << 62)) | 1ull << 63 | 1, 0x7fff | sign}; break; /* signalling */
  case 12: r = (Real){3ull << 62, 0x7fff | sign}; break;           /* indefinite */
  case 13: r = (Real){m >> 1, any | sign}; break;                  /* unnormal */
  case 14: r = (Real){below(2) ? 0 : m >> 1, 0x7fff | sign}; break; /* pseudo-infinity, pseudo-NaN */
  default: r = (Real){~0ull >> 1, sign}; break;                    /* largest denormal */
  }
  return r;
}

static Real real(void) {
  switch (below(12)) {
  case 0: case 1: return special();
  case 2: return finite(1 + below(0x7ffe));
  case 3: return finite(1 + below(70));
  case 4: return finite(0x7ffe - below(70));
  case 5: return finite(0x3f81 + (int)below(8) - 4); /* about the smallest normal of single ... */
  case 6: return finite(0x3c01 + (int)below(8) - 4 - (int)below(2) * 53); /* ... and double */
  case 7: return finite((below(2) ? 0x407e : 0x43fe) + (int)below(6) - 3); /* and their largest */
  case 8: return finite(0x3fff + below(66));
  default: return finite(0x3fff + (int)below(10) - 5);
  }
}

/* A partner that makes cancellation, ties, overflow and underflow likely. */
static Real partner(Real a) {
  int e = a.exponent & 0x7fff;
  Real r;
  switch (below(8)) {
  case 0: return finite(e + (int)below(140) - 70 > 0 ? e + (int)below(140) - 70 : 1);
  case 1: r = a; r.exponent ^= rng() & 0x8000; return r;
  case 2: r = a; r.exponent ^= rng() & 0x8000; r.significand ^= 1ull << below(64); return r;
  case 3: return finite((0x3fff + 0x7fff - e + (int)below(8) - 4) & 0x7fff); /* product overflows */
  case 4: return finite((0x3ffe - e + (int)below(140) - 100) & 0x7fff);      /* product underflows */
  case 5: return finite((e + 0x4000 + (int)below(140) - 70) & 0x7fff);       /* quotient */
  default: return real();
  }
}

static u64 single_bits(void) {
  u32 m = rng() & 0x7fffff, s = rng() & 0x80000000u;
  switch (below(10)) {
  case 0: return s;
  case 1: return s | m;
  case 2: return s | 0x7f800000;
  case 3: return s | 0x7fc00000 | m;
  case 4: return s | 0x7f800000 | (m & 0x3fffff) | 1;
  case 5: return s | 0x00800000;
  case 6: return s | 1;
  default: return s | (below(2) ? below(256) : 120 + below(14)) << 23 | m;
  }
}
static u64 double_bits(void) {
  u64 m = rng() & 0xfffffffffffffull, s = rng() & 1ull << 63;
  switch (below(10)) {
  case 0: return s;
  case 1: return s | m;
  case 2: return s | 0x7ff0000000000000ull;
  case 3: return s | 0x7ff8000000000000ull | m;
  case 4: return s | 0x7ff0000000000000ull | (m & 0x7ffffffffffffull) | 1;
  case 5: return s | 0x0010000000000000ull;
  case 6: return s | 1;
  default: return s | (u64)(below(2) ? below(2048) : 1016 + below(14)) << 52 | m;
  }
}
static u64 integer_bits(void) {
  u64 r = rng();
  switch (below(6)) {
  case 0: return 0;
  case 1: return below(2) ? 1 : ~0ull;
  case 2: return 1ull << below(64);
  case 3: return (u64)((int64_t)r >> below(64));
  default: return r;
  }
}
static Real bcd(void) {
  Real r = {0, (u16)(rng() & 0xff00)};
  for (int i = 0; i < 16; i++) r.significand |= (u64)below(10) << 4 * i;
  r.exponent |= below(10) | below(10) << 4;
  if (below(4) == 0) r.significand >>= 4 * below(16), r.exponent &= 0xff00;
  return r;
}

static Real memory_operand(u8 opcode, int reg) {
  Real r = {0, 0};
  switch (opcode) {
  case 0xd8: r.significand = single_bits(); break;
  case 0xdc: r.significand = double_bits(); break;
  case 0xda: case 0xde: r.significand = integer_bits(); break;
  case 0xd9: r.significand = single_bits(); break;
  case 0xdd: r.significand = double_bits(); break;
  case 0xdb: if (reg == 5) return real(); r.significand = integer_bits(); break;
  case 0xdf: if (reg == 4) return bcd(); r.significand = integer_bits(); break;
  }
  r.exponent = 0x5aa5;
  return r;
}

/* ---- families: opcode and ModRM; in register forms the low three bits are chosen at random where
        the row says so ---------------------------------------------------------------------------- */

typedef struct { u8 opcode, modrm, any_register; } Form;
static const Form arithmetic[] = {
  {0xd8, 0xc0, 1}, {0xd8, 0xc8, 1}, {0xd8, 0xe0, 1}, {0xd8, 0xe8, 1}, {0xd8, 0xf0, 1}, {0xd8, 0xf8, 1},
  {0xdc, 0xc0, 1}, {0xdc, 0xc8, 1}, {0xdc, 0xe0, 1}, {0xdc, 0xe8, 1}, {0xdc, 0xf0, 1}, {0xdc, 0xf8, 1},
  {0xde, 0xc0, 1}, {0xde, 0xc8, 1}, {0xde, 0xe0, 1}, {0xde, 0xe8, 1}, {0xde, 0xf0, 1}, {0xde, 0xf8, 1},
  {0xd8, 0x00, 0}, {0xd8, 0x08, 0}, {0xd8, 0x20, 0}, {0xd8, 0x28, 0}, {0xd8, 0x30, 0}, {0xd8, 0x38, 0},
  {0xdc, 0x00, 0}, {0xdc, 0x08, 0}, {0xdc, 0x20, 0}, {0xdc, 0x28, 0}, {0xdc, 0x30, 0}, {0xdc, 0x38, 0},
  {0xda, 0x00, 0}, {0xda, 0x08, 0}, {0xda, 0x20, 0}, {0xda, 0x28, 0}, {0xda, 0x30, 0}, {0xda, 0x38, 0},
  {0xde, 0x00, 0}, {0xde, 0x08, 0}, {0xde, 0x20, 0}, {0xde, 0x28, 0}, {0xde, 0x30, 0}, {0xde, 0x38, 0},
};
static const Form compare[] = {
  {0xd8, 0xd0, 1}, {0xd8, 0xd8, 1}, {0xd8, 0x10, 0}, {0xd8, 0x18, 0}, {0xdc, 0x10, 0}, {0xdc, 0x18, 0},
  {0xda, 0x10, 0}, {0xda, 0x18, 0}, {0xde, 0x10, 0}, {0xde, 0x18, 0}, {0xde, 0xd9, 0},
  {0xdd, 0xe0, 1}, {0xdd, 0xe8, 1}, {0xda, 0xe9, 0}, {0xdb, 0xe8, 1}, {0xdb, 0xf0, 1}, {0xdf, 0xe8, 1},
  {0xdf, 0xf0, 1}, {0xd9, 0xe4, 0}, {0xd9, 0xe5, 0},
  {0xda, 0xc0, 1}, {0xda, 0xc8, 1}, {0xda, 0xd0, 1}, {0xda, 0xd8, 1},
  {0xdb, 0xc0, 1}, {0xdb, 0xc8, 1}, {0xdb, 0xd0, 1}, {0xdb, 0xd8, 1},
};
static const Form transfer[] = {
  {0xd9, 0x00, 0}, {0xdd, 0x00, 0}, {0xdb, 0x28, 0}, {0xd9, 0xc0, 1}, {0xdf, 0x00, 0}, {0xdb, 0x00, 0},
  {0xdf, 0x28, 0}, {0xdf, 0x20, 0},
  {0xd9, 0x10, 0}, {0xd9, 0x18, 0}, {0xdd, 0x10, 0}, {0xdd, 0x18, 0}, {0xdb, 0x38, 0}, {0xdd, 0xd0, 1},
  {0xdd, 0xd8, 1}, {0xdf, 0x10, 0}, {0xdf, 0x18, 0}, {0xdb, 0x10, 0}, {0xdb, 0x18, 0}, {0xdf, 0x38, 0},
  {0xdf, 0x08, 0}, {0xdb, 0x08, 0}, {0xdd, 0x08, 0}, {0xdf, 0x30, 0},
  {0xd9, 0xc8, 1}, {0xd9, 0xe0, 0}, {0xd9, 0xe1, 0}, {0xd9, 0xe8, 0}, {0xd9, 0xe9, 0}, {0xd9, 0xea, 0},
  {0xd9, 0xeb, 0}, {0xd9, 0xec, 0}, {0xd9, 0xed, 0}, {0xd9, 0xee, 0}, {0xd9, 0xd0, 0}, {0xd9, 0xf6, 0},
  {0xd9, 0xf7, 0}, {0xdd, 0xc0, 1}, {0xdf, 0xc0, 1}, {0xdf, 0xe0, 0}, {0xdd, 0x38, 0}, {0xd9, 0x38, 0},
  {0xd9, 0x28, 0}, {0xdb, 0xe2, 0}, {0xdb, 0xe3, 0},
};
static const Form rest[] = {
  {0xd9, 0xfa, 0}, {0xd9, 0xfd, 0}, {0xd9, 0xf8, 0}, {0xd9, 0xf5, 0}, {0xd9, 0xfc, 0}, {0xd9, 0xf4, 0},
};
static const Form transcendental[] = {
  {0xd9, 0xf0, 0}, {0xd9, 0xf1, 0}, {0xd9, 0xf9, 0}, {0xd9, 0xf2, 0}, {0xd9, 0xf3, 0}, {0xd9, 0xfe, 0},
  {0xd9, 0xff, 0}, {0xd9, 0xfb, 0},
};

/* Operands where a transcendental or scaling instruction is at home. */
static void choose_operands(Case *c) {
  c->st0 = real();
  c->other = below(3) == 0 ? real() : partner(c->st0);
  c->memory = memory_operand(c->opcode, c->modrm >> 3 & 7);
  if (c->opcode != 0xd9 || c->modrm < 0xf0) return;
  switch (c->modrm) {
  case 0xf0: /* F2XM1 -1..1 */
    if (below(8)) c->st0 = finite(0x3ffe - (below(2) ? below(8) : below(70)));
    break;
  case 0xf1: /* FYL2X */
    if (below(8)) c->st0 = finite(below(2) ? 0x3ffd + below(5) : 1 + below(0x7ffe)), c->st0.exponent &= 0x7fff;
    if (below(4)) c->other = finite(0x3fff + (int)below(20) - 10);
    break;
  case 0xf9: /* FYL2XP1: |x| <= 1 - sqrt(2)/2 */
    if (below(8)) {
      c->st0 = finite(0x3ffd - (below(2) ? below(6) : below(70)));
      if ((c->st0.exponent & 0x7fff) == 0x3ffd) c->st0.significand = 1ull << 63 | rng() % 0x15f619980c4336f7ull;
    }
    if (below(4)) c->other = finite(0x3fff + (int)below(20) - 10);
    break;
  case 0xf3:
    if (below(8)) c->st0 = finite(0x3fff + (int)below(40) - 20), c->other = finite(0x3fff + (int)below(40) - 20);
    break;
  case 0xf2: case 0xfb: case 0xfe: case 0xff: /* periodic */
    switch (below(6)) {
    case 0: case 1: c->st0 = finite(0x3fff + (int)below(10) - 8); break;
    case 2: c->st0 = finite(0x3fff + below(64)); break;
    case 3: c->st0 = finite(0x3fff - below(70)); break;
    case 4: /* near a multiple of pi/4 */
      c->st0.exponent = (u16)(0x3ffe + below(4)) | (rng() & 0x8000);
      c->st0.significand = 0xc90fdaa22168c235ull + (below(3) ? (u64)below(9) - 4 : (u64)below(1u << 30));
      break;
    }
    break;
  case 0xfd: /* FSCALE: other is the scale */
    if (below(4)) c->other = finite(0x3fff + below(17));
    break;
  case 0xf8: case 0xf5: /* FPREM: quotients of all widths */
    if (below(8)) {
      int e = 200 + below(0x7000);
      c->other = finite(e);
      c->st0 = finite(e + (int)below(200) - 10);
      if (below(3) == 0) c->st0.exponent = c->other.exponent, c->st0.exponent += below(8);
      if (below(4) == 0) c->st0.significand = c->other.significand;
    }
    break;
  case 0xfc: if (below(4)) c->st0 = finite(0x3fff + (int)below(70) - 3); break;
  }
}

static int waits_or_not(const Case *c) { /* 0: does not wait, so that pending exceptions may be given */
  return !((c->opcode == 0xdb && c->modrm >= 0xe2 && c->modrm <= 0xe3) || (c->opcode == 0xdf && c->modrm == 0xe0) ||
           (c->opcode == 0xdd && c->modrm == 0x38) || (c->opcode == 0xd9 && c->modrm == 0x38));
}

static void choose_state(Case *c) {
  int top = below(8);
  c->control = 0x40 | (rng() & 0x0f00);
  c->control |= below(3) ? 0x3f : rng() & 0x3f;
  if (below(4) == 0) c->control |= 0x300;
  u16 flags = below(3) ? 0 : rng() & (below(2) ? 0x3f : 0x7f);
  if (waits_or_not(c)) flags &= c->control | 0x40;
  c->status = (rng() & 0x4700) | flags | top << 11;
  if (flags & ~c->control & 0x3f) c->status |= 0x8080;
  c->tags = 0xff;
  int pushes = c->opcode == 0xd9 || ((c->opcode & 0xf9) == 0xd9 && c->modrm < 0xc0);
  if (pushes && below(16)) c->tags &= ~(1 << ((top - 1) & 7));
  if (below(20) == 0) c->tags = rng();
}

/* ---- execution ------------------------------------------------------------------------------ */

typedef u64 (*Stub)(void *in, void *memory, void *out, u64 *rax);
static u8 *code;
static int patch_at;

static void make_stub(void) {
  /* rdi in, rsi memory, rdx out, rcx where rax goes; returns EFLAGS */
  static const u8 bytes[] = {
    0x48, 0x89, 0xf0,             /* mov rax, rsi */
    0x68, 0xd7, 0x08, 0x00, 0x00, /* push 0x8d7: every arithmetic flag set */
    0x9d,                         /* popf */
    0x0f, 0xae, 0x0f,             /* fxrstor [rdi] */
    0x90, 0x90,                   /* the instruction, memory operand at [rax] */
    0x0f, 0xae, 0x02,             /* fxsave [rdx] */
    0x48, 0x89, 0x01,             /* mov [rcx], rax */
    0x9c, 0x58,                   /* pushf; pop rax */
    0xdb, 0xe3,                   /* fninit */
    0xc3,
  };
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) exit(1);
  memcpy(code, bytes, sizeof bytes);
  patch_at = 12;
}

static u32 eflags_in; /* FCMOVcc reads them */

static void execute(Case *c) {
  static u8 in[512] __attribute__((aligned(16))), out[512] __attribute__((aligned(16)));
  static u8 memory[64] __attribute__((aligned(64)));
  int top = c->status >> 11 & 7;
  int i = c->modrm >= 0xc0 && !(c->opcode == 0xd9 && c->modrm >= 0xe0) ? c->modrm & 7 : 1;
  memset(in, 0, sizeof in);
  memcpy(in, &c->control, 2);
  memcpy(in + 2, &c->status, 2);
  in[4] = c->tags;
  in[24] = 0x80, in[25] = 0x1f;
  for (int k = 0; k < 8; k++) {
    Real r = filler((top + k) & 7);
    memcpy(in + 32 + 16 * k, &r, 10);
  }
  memcpy(in + 32 + 16 * i, &c->other, 10);
  memcpy(in + 32, &c->st0, 10);
  memcpy(memory, &c->memory, 10);
  eflags_in = c->zero;
  memcpy(code + 4, &(u32){2 | (c->zero & 0xd5) | (c->zero & 2) << 10}, 4);
  code[patch_at] = c->opcode, code[patch_at + 1] = c->modrm;
  u64 rax;
  u32 flags = (u32)((Stub)(void *)code)(in, memory, out, &rax);
  memcpy(&c->status_out, out + 2, 2);
  c->tags_out = out[4];
  c->eflags_out = (flags & 0xd5) | (flags >> 10 & 2);
  int moved = ((c->status_out >> 11 & 7) - top) & 7;
  memcpy(&c->st0_out, out + 32 + 16 * ((0 - moved) & 7), 10);
  memcpy(&c->other_out, out + 32 + 16 * ((i - moved) & 7), 10);
  memcpy(&c->st7_out, out + 32 + 16 * ((7 - moved) & 7), 10);
  memcpy(&c->memory_out, memory, 10);
  if (c->opcode == 0xdf && c->modrm == 0xe0) memcpy(&c->memory_out, &rax, 2);
  if (c->opcode == 0xd9 && c->modrm == 0x28) memcpy(&c->memory_out, out, 2);
}

/* ---- the environment ------------------------------------------------------------------------ */

static void to_image(const State *s, u8 *image) {
  memset(image, 0, 512);
  memcpy(image, &s->control, 2), memcpy(image + 2, &s->status, 2);
  image[4] = s->tags;
  memcpy(image + 6, &s->opcode, 2), memcpy(image + 8, &s->ip, 4), memcpy(image + 16, &s->dp, 4);
  image[24] = 0x80, image[25] = 0x1f;
  for (int i = 0; i < 8; i++) memcpy(image + 32 + 16 * i, &s->st[i], 10);
}
static void from_image(State *s, const u8 *image) {
  memcpy(&s->control, image, 2), memcpy(&s->status, image + 2, 2);
  s->tags = image[4], s->zero = 0;
  memcpy(&s->opcode, image + 6, 2), memcpy(&s->ip, image + 8, 4), memcpy(&s->dp, image + 16, 4);
  for (int i = 0; i < 8; i++) memcpy(&s->st[i], image + 32 + 16 * i, 10);
}

static void environment_case(EnvironmentCase *c, long n) {
  static const u8 forms[4][2] = {{0xd9, 0x30}, {0xd9, 0x20}, {0xdd, 0x30}, {0xdd, 0x20}};
  static u8 image[512] __attribute__((aligned(16))), memory[128] __attribute__((aligned(64)));
  c->prefix = n & 4 ? 0x66 : 0;
  c->opcode = forms[n & 3][0], c->modrm = forms[n & 3][1];
  int stores = c->modrm == 0x30;
  c->before.control = 0x40 | (rng() & 0xf3f);
  u16 flags = rng() & (stores ? 0x7f : 0x40 | (c->before.control & 0x3f));
  c->before.status = (rng() & 0x7f00) | flags;
  if (flags & ~c->before.control & 0x3f) c->before.status |= 0x8080;
  c->before.tags = below(3) ? rng() : 0xff;
  c->before.opcode = rng() & 0x7ff, c->before.ip = rng(), c->before.dp = rng();
  for (int i = 0; i < 8; i++) c->before.st[i] = real();
  for (int i = 0; i < 108; i++) c->memory[i] = rng();
  to_image(&c->before, image);
  memcpy(memory, c->memory, 108);
  u8 *at = code + patch_at;
  u8 saved[32];
  memcpy(saved, at, sizeof saved);
  *at++ = c->prefix ? c->prefix : 0x90;
  *at++ = c->opcode, *at++ = c->modrm;
  memcpy(at, "\x0f\xae\x02\xdb\xe3\xc3", 6); /* fxsave [rdx]; fninit; ret */
  u64 rax;
  ((Stub)(void *)code)(image, memory, image, &rax);
  memcpy(code + patch_at, saved, sizeof saved);
  from_image(&c->after, image);
  memcpy(c->memory_out, memory, 108);
}

int main(int argc, char **argv) {
  static const struct { const char *name; const Form *forms; u32 count; } families[] = {
#define FAMILY(f) {#f, f, sizeof f / sizeof *f}
    FAMILY(arithmetic), FAMILY(compare), FAMILY(transfer), FAMILY(rest), FAMILY(transcendental),
  };
  if (argc != 4) return fputs("usage: make-vectors FAMILY COUNT SEED\n", stderr), 2;
  make_stub();
  long count = atol(argv[2]);
  rng_state = strtoull(argv[3], 0, 0);
  if (!strcmp(argv[1], "environment")) {
    for (long n = 0; n < count; n++) {
      EnvironmentCase c = {0};
      environment_case(&c, n);
      fwrite(&c, sizeof c, 1, stdout);
    }
    return 0;
  }
  for (u32 f = 0; f < sizeof families / sizeof *families; f++) {
    if (strcmp(families[f].name, argv[1])) continue;
    for (long n = 0; n < count; n++) {
      Form form = families[f].forms[n % families[f].count];
      Case c = {0};
      c.opcode = form.opcode;
      c.modrm = form.modrm | (form.any_register ? rng() & 7 : 0);
      choose_operands(&c);
      choose_state(&c);
      c.zero = rng() & 0xd7;
      execute(&c);
      fwrite(&c, sizeof c, 1, stdout);
    }
    return 0;
  }
  return fputs("unknown family\n", stderr), 2;
}
