/*
 * Makes test vectors for the integer instructions by executing them natively, at CPL 3, on the
 * processor that this program runs on. 16-bit code and stacks come from segments in the process's LDT.
 * Needs Linux on an x86 processor, and to be root (memory below 64 KiB is mapped).
 *
 *   gcc -O1 -m32 -static -no-pie -fno-pie -o make-vectors make-vectors.c
 *   ./make-vectors > integer.vectors             what is committed
 *   ./make-vectors ROUNDS SEED > more.vectors    ROUNDS times as many, from other operands
 *
 * File: some lines of text, ended by an empty one; then u32 number of cases, u32 index of the first.
 * Little endian. What a case starts from follows from its index (seed_state() in native.h, and replay.ts):
 * registers, arithmetic flags, and two windows of memory, DATA and STACK. A case is
 *   u8       bits 0-3 length of the code, 4 CS.D = 0, 5 SS.B = 0, 6 DF = 1, 7 it faults
 *   u8       bits that the manual leaves undefined: flags as in EFLAGS with OF in bit 1, bit 3 the
 *            result; bit 5 says that the next byte is there:
 *   u8       bit 0 memory is filled from a small alphabet; bits 1-2 what the second page of DATA is,
 *            1 read-only, 2 not present; bits 3-4 that of STACK
 *   bytes    the code, at CODE
 *   u8, u32… mask of registers that do not start as the index says, and what they start with
 * then what came out:
 *   u8       vector of the fault, only if it faults; after 14, u8 error code and u16 CR2
 *   u16      EFLAGS, low half without bit 1 and IF
 *   i8       EIP - CODE
 *   u8, u32… mask of registers that changed, and their values
 *   u8, …    number of runs of changed bytes, each u16 place (256 and up in STACK), u8 length, bytes
 * ENTER, PUSHF and such see EFLAGS of a user program: IF set, IOPL 0.
 */
#include "native.h"

/* ---- families ------------------------------------------------------------------------------- */

static int rounds;
#define TIMES(n) for (int round_ = 0; round_ < (n) * rounds; round_++)
#define SIZES(s) for (int s = 1; s <= 4; s *= 2)
#define WORDS(s) for (int s = 2; s <= 4; s *= 2)
static int code_kind(void) { return choose(8) == 0; }

static void arithmetic(void) {
  for (int op = 0; op < 8; op++) SIZES(size) {
    int wide = size != 1, imm = size == 1 ? 1 : size;
    u8 loose = op == 1 || op == 4 || op == 6 ? AF : 0;
    for (int to_register = 0; to_register < 2; to_register++)
      for (int mem = 0; mem < 2; mem++) TIMES(mem ? 6 : 4) {
        begin_in(code_kind(), 0, 0), undefined |= loose;
        int lock = mem && !to_register && op != 7 && choose(8) == 0;
        modrm((Form){size, mem, lock}, op << 3 | to_register << 1 | wide, any(), any(), size), end();
      }
    TIMES(2) { /* accumulator, immediate */
      begin_in(code_kind(), 0, 0), undefined |= loose;
      operand_size(size), byte(op << 3 | 4 | wide), bytes(imm, value()), end();
    }
    for (int mem = 0; mem < 2; mem++) TIMES(mem ? 6 : 3) {
      begin_in(code_kind(), 0, 0), undefined |= loose;
      int alias = !wide && choose(4) == 0; /* 82 is 80 */
      modrm((Form){size, mem, 0}, 0x80 | wide | alias << 1, op, any(), size);
      bytes(imm, value()), end();
      if (!wide) continue;
      begin_in(code_kind(), 0, 0), undefined |= loose;
      modrm((Form){size, mem, 0}, 0x83, op, any(), size), byte(value()), end();
    }
  }
  SIZES(size) {
    int wide = size != 1;
    for (int mem = 0; mem < 2; mem++) TIMES(mem ? 6 : 4) { /* TEST */
      begin_in(code_kind(), 0, 0), undefined |= AF;
      modrm((Form){size, mem, 0}, 0x84 | wide, any(), any(), size), end();
      begin_in(code_kind(), 0, 0), undefined |= AF;
      modrm((Form){size, mem, 0}, 0xf6 | wide, choose(4) == 0, any(), size), bytes(size, value()), end();
    }
    TIMES(3) begin(), undefined |= AF, operand_size(size), byte(0xa8 | wide), bytes(size, value()), end();
    for (int mem = 0; mem < 2; mem++) TIMES(mem ? 6 : 4) { /* NOT, NEG, INC, DEC */
      for (int op = 2; op < 4; op++) {
        begin_in(code_kind(), 0, 0);
        modrm((Form){size, mem, mem && choose(8) == 0}, 0xf6 | wide, op, any(), size), end();
      }
      for (int op = 0; op < 2; op++) {
        begin_in(code_kind(), 0, 0);
        modrm((Form){size, mem, 0}, 0xfe | wide, op, any(), size), end();
      }
    }
  }
  WORDS(size) TIMES(2) for (int op = 0; op < 16; op++) begin(), operand_size(size), byte(0x40 | op), end();
}

static void exchanges(void) {
  SIZES(size) for (int mem = 0; mem < 2; mem++) TIMES(mem ? 10 : 6) {
    int wide = size != 1, reg = any();
    begin_in(code_kind(), 0, 0), modrm((Form){size, mem, 0}, 0x86 | wide, reg, any(), size), end();
    begin(), modrm((Form){size, mem, mem && choose(4) == 0}, 0x0fc0 | wide, any(), any(), size), end();
    /* CMPXCHG: equal in half of the cases */
    begin();
    int rm = any();
    modrm((Form){size, mem, mem && choose(4) == 0}, 0x0fb0 | wide, any(), rm, size);
    if (choose(2)) {
      u32 old = 0;
      if (mem) memcpy(&old, (u8 *)start.memory + (operand.at - DATA), size);
      else old = size == 1 ? regs[rm & 3] >> (rm & 4 ? 8 : 0) : regs[rm];
      u32 mask = size == 4 ? ~0u : (1u << 8 * size) - 1;
      if (is_free(EAX) && !(mem && (operand.index == EAX || operand.base == EAX)))
        force(EAX, (regs[EAX] & ~mask) | (old & mask));
    }
    end();
  }
  WORDS(size) for (int r = 1; r < 8; r++) TIMES(1) begin(), operand_size(size), byte(0x90 | r), end();
  TIMES(2) for (int r = 0; r < 8; r++) begin(), byte(0x0f), byte(0xc8 | r), end();
  TIMES(1) for (int r = 0; r < 8; r++) begin(), byte(0x66), byte(0x0f), byte(0xc8 | r), undefined |= RESULT, end();
  TIMES(24) { /* CMPXCHG8B */
    begin();
    int equal = choose(2);
    modrm((Form){4, 1, choose(4) == 0}, 0x0fc7, 1, 0, 8);
    u32 *old = (u32 *)((u8 *)start.memory + (operand.at - DATA));
    int used = (1 << EAX | 1 << EDX) & (1 << operand.base | 1 << operand.index | override_mask);
    if (equal && !used) force(EAX, old[0]), force(EDX, old[1]);
    end();
  }
}

static u8 shift_loose(int op, int size, u32 count) {
  u32 bits = 8 * size, masked = count & 31;
  if (masked == 0) return 0;
  u8 loose = masked == 1 ? 0 : OF;
  if (op < 4) return (op == 2 || op == 3) && masked % (bits + 1) == 1 && masked != 1 ? OF : loose;
  loose |= AF;
  if (op != 7 && masked >= bits) loose |= CF;
  return loose;
}
static void shifts(void) {
  for (int op = 0; op < 8; op++) SIZES(size) {
    int wide = size != 1;
    for (u32 count = 0; count < 64; count++) TIMES(1) {
      int mem = choose(4) == 0;
      begin(), force(ECX, (regs[ECX] & ~0xffu) | count | choose(4) << 6);
      modrm((Form){size, mem, 0}, 0xd2 | wide, op, any(), size);
      undefined |= shift_loose(op, size, count), end();
      if (count > 33 || choose(2)) continue;
      mem = choose(4) == 0;
      begin(), modrm((Form){size, mem, 0}, 0xc0 | wide, op, any(), size), byte(count | choose(4) << 6);
      undefined |= shift_loose(op, size, count), end();
    }
    for (int mem = 0; mem < 2; mem++) TIMES(mem ? 6 : 3) {
      begin_in(code_kind(), 0, 0), modrm((Form){size, mem, 0}, 0xd0 | wide, op, any(), size);
      undefined |= shift_loose(op, size, 1), end();
      if (!mem) continue;
      begin(), force(ECX, value()), modrm((Form){size, 1, 0}, 0xd2 | wide, op, any(), size);
      undefined |= shift_loose(op, size, regs[ECX]), end();
      begin(), modrm((Form){size, 1, 0}, 0xc0 | wide, op, any(), size);
      u32 count = choose(64);
      byte(count), undefined |= shift_loose(op, size, count), end();
    }
  }
  for (int right = 0; right < 2; right++) WORDS(size) for (int by_cl = 0; by_cl < 2; by_cl++)
    for (u32 count = 0; count < 64; count++) TIMES(1) {
      int mem = choose(3) == 0;
      begin();
      if (by_cl) force(ECX, (regs[ECX] & ~0xffu) | count);
      modrm((Form){size, mem, 0}, (right ? 0x0fac : 0x0fa4) | by_cl, any(), any(), size);
      if (!by_cl) byte(count);
      u32 masked = count & 31;
      if (masked > 8u * size) undefined |= ALL_FLAGS | RESULT;
      else if (masked != 0) undefined |= AF | (masked == 1 ? 0 : OF);
      end();
    }
}

static void products(void) {
  u8 loose = SF | ZF | AF | PF;
  SIZES(size) for (int op = 4; op < 6; op++) for (int mem = 0; mem < 2; mem++) TIMES(14) {
    begin_in(code_kind(), 0, 0), undefined |= loose;
    modrm((Form){size, mem, 0}, 0xf6 | (size != 1), op, any(), size), end();
  }
  WORDS(size) for (int mem = 0; mem < 2; mem++) TIMES(12) {
    begin_in(code_kind(), 0, 0), undefined |= loose;
    modrm((Form){size, mem, 0}, 0x0faf, any(), any(), size), end();
    begin(), undefined |= loose;
    modrm((Form){size, mem, 0}, 0x69, any(), any(), size), bytes(size, value()), end();
    begin(), undefined |= loose;
    modrm((Form){size, mem, 0}, 0x6b, any(), any(), size), byte(value()), end();
  }
}

/* A dividend whose quotient fits, or nearly. */
static void dividend(int size, int is_signed, u32 divisor) {
  u32 bits = 8 * size;
  u64 mask = size == 4 ? ~0u : (1u << bits) - 1;
  i64 d = is_signed ? (i64)((i32)(divisor << (32 - bits)) >> (32 - bits)) : (i64)(divisor & mask);
  i64 q = value() & mask;
  if (is_signed) q = (i64)((i32)((u32)q << (32 - bits)) >> (32 - bits));
  i64 r = d == 0 ? 0 : (i64)(value() % (u32)(d < 0 ? -d : d));
  i64 n = (i64)((u64)q * (u64)d + (u64)(q < 0 ? -r : r));
  if (choose(8) == 0) n += choose(2) ? d : -d;
  if (size == 1) {
    force(EAX, (regs[EAX] & 0xffff0000) | (n & 0xffff));
  } else {
    force(EAX, (regs[EAX] & ~mask) | (n & mask));
    force(EDX, (regs[EDX] & ~mask) | ((n >> bits) & mask));
  }
}
static void quotients(void) {
  SIZES(size) for (int op = 6; op < 8; op++) for (int mem = 0; mem < 2; mem++) TIMES(24) {
    begin_in(code_kind(), 0, 0), undefined |= ALL_FLAGS;
    int fits = choose(6) != 0;
    int reg = size == 1 ? 1 + (int)choose(3) : general();
    if (reg == EDX && size != 1) reg = EBX;
    u32 at = place(size);
    if (fits) {
      u32 divisor = regs[reg];
      if (mem) memcpy(&divisor, (u8 *)start.memory + (at - DATA), size);
      else if (choose(3) == 0) force(reg, divisor = value() >> choose(32));
      dividend(size, op == 7, divisor);
    }
    if (mem) plan_memory(at, 0);
    operand_size(size), byte(0xf6 | (size != 1));
    if (mem) memory(op);
    else registers(op, reg);
    end();
  }
}

static void bit_operations(void) {
  u8 loose = OF | SF | AF | PF;
  WORDS(size) for (int op = 4; op < 8; op++) {
    u32 by_register = 0x0f83 | op << 3;
    for (int mem = 0; mem < 2; mem++) TIMES(8) {
      begin_in(code_kind(), 0, 0), undefined |= loose;
      modrm((Form){size, mem, 0}, 0x0fba, op, any(), size), byte(choose(256)), end();
    }
    TIMES(8) begin(), undefined |= loose, modrm((Form){size, 0, 0}, by_register, any(), any(), size), end();
    TIMES(14) { /* the index moves the operand */
      begin_in(code_kind(), 0, 0), undefined |= loose;
      int index = general(), unit = 8 * size;
      i32 bit = (i32)choose(1600) - 800;
      switch (choose(6)) {
      case 0: if (size == 4) bit = (i32)value() & ~0x1fffff; break; /* far away: the base wraps round */
      case 1: bit = choose(unit); break;
      }
      if (size == 2) force(index, (regs[index] & 0xffff0000) | (bit & 0xffff));
      else force(index, bit);
      i32 moved = (bit >> (size == 4 ? 5 : 4)) * size;
      u32 at = place(size) - moved;
      if (choose(8) == 0 && op != 4) byte(0xf0);
      plan_memory(at, 0);
      if (at > 0xffff && !operand.wide) { /* beyond 16-bit addresses: not the same place */
        length = 0, operand.wide = 1;
        if (code16) byte(0x67);
        operand.segment = 0;
      }
      operand_size(size), byte(0x0f), byte(by_register), memory(index), end();
    }
  }
  for (int op = 0; op < 2; op++) WORDS(size) for (int mem = 0; mem < 2; mem++) TIMES(14) {
    begin_in(code_kind(), 0, 0), undefined |= CF | OF | SF | AF | PF;
    int rm = any();
    if (!mem && choose(3) == 0) force(rm, choose(2) ? 0 : 0x10000);
    modrm((Form){size, mem, 0}, 0x0fbc | op, any(), rm, size), end();
  }
}

static void conditions(void) {
  for (int cc = 0; cc < 16; cc++) {
    for (int mem = 0; mem < 2; mem++) TIMES(5) {
      begin_in(code_kind(), 0, 0), modrm((Form){1, mem, 0}, 0x0f90 | cc, 0, any(), 1), end();
      WORDS(size) begin_in(code_kind(), 0, 0), modrm((Form){size, mem, 0}, 0x0f40 | cc, any(), any(), size), end();
    }
    TIMES(8) { /* Jcc rel8, rel16, rel32 */
      begin_in(code_kind(), 0, 0);
      taken_at = choose(2) ? 0x40 : -0x40;
      byte(0x70 | cc), byte(taken_at - 2), end();
      WORDS(size) {
        begin_in(choose(3) == 0, 0, 0), taken_at = choose(2) ? 0x50 : -0x30;
        operand_size(size), byte(0x0f), byte(0x80 | cc), bytes(size, taken_at - (length + size)), end();
      }
    }
  }
}

static void loops(void) {
  for (int op = 0xe0; op < 0xe4; op++) WORDS(size) TIMES(12) {
    begin_in(code_kind(), 0, 0), taken_at = choose(2) ? 0x60 : -0x60;
    u32 counts[] = {0, 1, 2, 0x10000, 0x10001, 0xffffffff};
    if (choose(3)) force(ECX, counts[choose(6)]);
    if (choose(6) == 0) operand_size(2);
    address_size(size), byte(op), byte(taken_at - (length + 1)), end();
  }
}

static void moves(void) {
  SIZES(size) {
    int wide = size != 1;
    for (int to_register = 0; to_register < 2; to_register++)
      for (int mem = 0; mem < 2; mem++) TIMES(mem ? 12 : 5) {
        begin_in(code_kind(), 0, 0);
        modrm((Form){size, mem, 0}, 0x88 | to_register << 1 | wide, any(), any(), size), end();
      }
    for (int mem = 0; mem < 2; mem++) TIMES(mem ? 8 : 4) {
      begin_in(code_kind(), 0, 0), modrm((Form){size, mem, 0}, 0xc6 | wide, 0, any(), size);
      bytes(size, value()), end();
    }
    for (int r = 0; r < 8; r++) TIMES(1) begin(), operand_size(size), byte((wide ? 0xb8 : 0xb0) | r), bytes(size, value()), end();
    for (int op = 0xa0; op < 0xa4; op += 2) TIMES(4) for (int narrow = 0; narrow < 2; narrow++) {
      begin_in(code_kind(), 0, 0);
      if (choose(4) == 0) byte(0x36);
      address_size(narrow ? 2 : 4), operand_size(size), byte(op | wide), bytes(narrow ? 2 : 4, place(size)), end();
    }
  }
  for (int is_signed = 0; is_signed < 2; is_signed++) for (int from = 1; from <= 2; from++)
    WORDS(size) for (int mem = 0; mem < 2; mem++) TIMES(mem ? 8 : 5) {
      begin_in(code_kind(), 0, 0);
      modrm((Form){size, mem, 0}, 0x0fb6 | is_signed << 3 | (from == 2), any(), any(), from), end();
    }
  WORDS(size) TIMES(4) for (int op = 0x98; op < 0x9a; op++) begin_in(code_kind(), 0, 0), operand_size(size), byte(op), end();
  WORDS(size) TIMES(40) begin_in(code_kind(), 0, 0), plan_memory(value(), 0), operand_size(size), byte(0x8d), memory(any()), end();
  TIMES(8) { /* XLAT; a base that makes the sum wrap */
    for (int narrow = 0; narrow < 2; narrow++) {
      begin(), address_size(narrow ? 2 : 4);
      if (choose(4) == 0) byte(0x36);
      u32 base = place(1) - (regs[EAX] & 0xff);
      force(EBX, narrow ? (regs[EBX] & 0xffff0000) | (base & 0xffff) : base);
      byte(0xd7), end();
    }
  }
  WORDS(size) for (int mem = 0; mem < 2; mem++) TIMES(5) begin(), modrm((Form){size, mem, 0}, 0x0f1f, 0, any(), size), end();
  TIMES(10) begin(), modrm((Form){1, 1, 0}, 0x0f18, choose(4), 0, 1), end(); /* PREFETCH */
  TIMES(1) begin(), byte(0xf3), byte(0x0f), byte(0x1e), byte(0xfb), end(); /* ENDBR32 */
  TIMES(1) begin(), byte(0x90), end();
  TIMES(1) begin(), byte(0x66), byte(0x90), end();
  TIMES(1) begin(), byte(0xf3), byte(0x90), end();
}

static void flag_operations(void) {
  TIMES(6) {
    static const u8 ops[] = {0x9e, 0x9f, 0xf5, 0xf8, 0xf9, 0xfc, 0xfd, 0xd6};
    for (unsigned i = 0; i < sizeof ops; i++) begin_in(code_kind(), 0, 0), direction = choose(2), byte(ops[i]), end();
  }
}

static void decimals(void) {
  static const struct { u8 op, loose; } plain[] = {
    {0x27, OF}, {0x2f, OF}, {0x37, OF | SF | ZF | PF}, {0x3f, OF | SF | ZF | PF}};
  for (int i = 0; i < 4; i++) TIMES(48) {
    begin(), undefined |= plain[i].loose;
    if (choose(2)) force(EAX, (regs[EAX] & ~0xffu) | choose(0xa0));
    byte(plain[i].op), end();
  }
  for (int op = 0xd4; op < 0xd6; op++) TIMES(24) {
    begin(), undefined |= OF | AF | CF;
    if (choose(2)) force(EAX, choose(0x10000));
    int base = choose(4) ? 10 : choose(6) ? (int)choose(256) : 0;
    if (op == 0xd4 && base == 0) undefined |= ALL_FLAGS;
    byte(op), byte(base), end();
  }
}

/* A register that holds an address, perhaps only in its lower half. */
static void pointer(int reg, int narrow, u32 at) {
  force(reg, narrow ? (regs[reg] & 0xffff0000) | (at & 0xffff) : at);
}

/* ESP somewhere in the STACK window, often so that an access crosses the page boundary. */
static void stack_pointer(int below, int above) {
  u32 at = STACK + below + choose(WINDOW - below - above);
  if (choose(3) == 0 && below < WINDOW / 2 - 4 && above < WINDOW / 2 - 4) at = STACK + WINDOW / 2 - 3 + choose(7);
  pointer(ESP, stack16, at);
}
static void begin_stack(int mode) { begin_in(mode & 1, mode >> 1, 0); }
static void stack_operations(void) {
  for (int mode = 0; mode < 4; mode++) WORDS(size) {
    for (int r = 0; r < 8; r++) TIMES(1) {
      begin_stack(mode), stack_pointer(8, 0), operand_size(size), byte(0x50 | r), end();
      begin_stack(mode), stack_pointer(0, 8), operand_size(size), byte(0x58 | r), end();
    }
    TIMES(2) {
      begin_stack(mode), stack_pointer(8, 0), operand_size(size), byte(0xff), registers(6, any()), end();
      begin_stack(mode), stack_pointer(0, 8), operand_size(size), byte(0x8f), registers(0, any()), end();
    }
    TIMES(8) {
      begin_stack(mode), stack_pointer(8, 0), plan_memory(place(size), 0);
      operand_size(size), byte(0xff), memory(6), end();
      begin_stack(mode), stack_pointer(0, 8), plan_memory(place(size), size);
      operand_size(size), byte(0x8f), memory(0), end();
    }
    TIMES(3) {
      begin_stack(mode), stack_pointer(8, 0), operand_size(size), byte(0x68), bytes(size, value()), end();
      begin_stack(mode), stack_pointer(8, 0), operand_size(size), byte(0x6a), byte(value()), end();
    }
    TIMES(5) {
      begin_stack(mode), stack_pointer(40, 0), operand_size(size), byte(0x60), end();
      begin_stack(mode), stack_pointer(0, 40), operand_size(size), byte(0x61), end();
      begin_stack(mode), direction = choose(2), stack_pointer(8, 0), operand_size(size), byte(0x9c), end();
      /* POPF of everything but TF, NT, AC and what programs cannot change */
      begin_stack(mode), stack_pointer(0, 8);
      u32 *image = (u32 *)((u8 *)start.memory + WINDOW + ((regs[ESP] & 0xffff) - STACK));
      if ((*image & 0x44100) == 0) operand_size(size), byte(0x9d), end();
      begin_stack(mode), stack_pointer(0, 8);
      pointer(EBP, stack16, regs[ESP]), force(ESP, value());
      operand_size(size), byte(0xc9), end();
    }
    TIMES(8) { /* ENTER */
      begin_stack(mode), stack_pointer(200, 0);
      pointer(EBP, stack16, STACK + 140 + choose(100));
      operand_size(size), byte(0xc8), bytes(2, choose(30));
      byte(choose(3) == 0 ? 0 : choose(4) == 0 ? choose(33) : choose(5)), end();
    }
    TIMES(5) { /* CALL and RET */
      begin_stack(mode), stack_pointer(8, 0), taken_at = choose(2) ? 0x44 : -0x44;
      operand_size(size), byte(0xe8), bytes(size, taken_at - (length + size)), end();
      begin_stack(mode), stack_pointer(8, 0), taken_at = choose(2) ? 0x44 : -0x44;
      int reg = general();
      pointer(reg, size == 2, CODE + taken_at);
      operand_size(size), byte(0xff), registers(2, reg), end();
    }
  }
  /* returns and jumps through memory: its contents follow from the index, so the landing place does too */
  for (int mode = 0; mode < 4; mode++) WORDS(size) TIMES(5) for (int kind = 0; kind < 4; kind++) {
    begin_stack(mode), stack_pointer(8, 8);
    /* PUSH of the target, then the instruction under test; landing is the target */
    taken_at = 0x48;
    operand_size(size), byte(0x68), bytes(size, CODE + taken_at);
    u32 top = (regs[ESP] - size) & 0xffff;
    if (kind == 0) operand_size(size), byte(0xc3);
    if (kind == 1) operand_size(size), byte(0xc2), bytes(2, choose(2) ? choose(20) : choose(0x10000));
    if (kind >= 2) { /* JMP, CALL m */
      plan_memory(top, -size), operand_size(size), byte(0xff), memory(kind == 2 ? 4 : 2);
    }
    end();
  }
  WORDS(size) TIMES(2) { /* through CS, which can be read but not written */
    begin(), stack_pointer(8, 0), byte(0x2e), operand_size(size), byte(0xff), byte(0x35), bytes(4, place(size)), end();
    begin(), stack_pointer(0, 8), byte(0x2e), operand_size(size), byte(0x8f), byte(0x05), bytes(4, place(size)), end();
    begin(), stack_pointer(8, 0), taken_at = 0x48, operand_size(size), byte(0x68), bytes(size, CODE + taken_at);
    byte(0x2e), operand_size(size), byte(0xff), byte(0x15), bytes(4, regs[ESP] - size), end();
  }
  WORDS(size) TIMES(5) {
    begin(), taken_at = choose(2) ? 0x44 : -0x44;
    int reg = general();
    pointer(reg, size == 2, CODE + taken_at);
    operand_size(size), byte(0xff), registers(4, reg), end();
    begin_in(code_kind(), 0, 0), taken_at = choose(2) ? 0x44 : -0x44;
    operand_size(size), byte(0xe9), bytes(size, taken_at - (length + size)), end();
    begin_in(code_kind(), 0, 0), taken_at = choose(2) ? 0x44 : -0x44, byte(0xeb), byte(taken_at - 2), end();
  }
}

static void strings(void) {
  static const u8 ops[] = {0xa4, 0xa6, 0xaa, 0xac, 0xae};
  static const u8 repeats[] = {0, 0xf3, 0xf2};
  for (int o = 0; o < 5; o++) SIZES(size) for (int r = 0; r < 3; r++) for (int narrow = 0; narrow < 2; narrow++)
    for (int down = 0; down < 2; down++) TIMES(r == 0 ? 3 : 7) {
      int compares = ops[o] == 0xa6 || ops[o] == 0xae;
      begin_in(code_kind(), 0, compares && choose(4) != 0), direction = down;
      u32 count = r == 0 ? 1 : choose(3) == 0 ? choose(3) : choose(96 / size);
      if (r != 0) force(ECX, narrow ? (regs[ECX] & 0xffff0000) | count : count);
      /* both runs inside the window, often overlapping */
      u32 span = (count == 0 ? 1 : count) * size;
      u32 from = DATA + choose(WINDOW - span + 1), to = DATA + choose(WINDOW - span + 1);
      if (choose(3) == 0) {
        to = from + choose(9) - 4;
        if (to < DATA || to + span > DATA + WINDOW) to = from;
      }
      if (down) from += span - size, to += span - size;
      pointer(ESI, narrow, from), pointer(EDI, narrow, to);
      if (ops[o] == 0xae && choose(4)) {
        u32 letter = choose(4) == (r == 1) ? 0x42424242 : 0x41414141;
        u32 mask = size == 4 ? ~0u : (1u << 8 * size) - 1;
        force(EAX, (regs[EAX] & ~mask) | (letter & mask));
      }
      if (ops[o] == 0xaa && choose(2)) force(EAX, (regs[EAX] & 0xff) * 0x01010101u);
      if (repeats[r] != 0) byte(repeats[r]);
      if (choose(8) == 0) byte(0x36);
      address_size(narrow ? 2 : 4), operand_size(size), byte(ops[o] | (size != 1)), end();
    }
}

static void faults(void) {
  TIMES(3) { /* INT3, INTO, UD2, and forms that are none */
    begin(), byte(0xcc), end();
    begin(), byte(0xce), end();
    begin(), byte(0xce), end();
    begin(), byte(0x0f), byte(0x0b), end();
    begin(), byte(0xf0), byte(0x01), registers(any(), any()), end(); /* LOCK without memory */
    begin(), byte(0xf0), byte(0x8b), byte(0x05), bytes(4, place(4)), end();
    begin(), byte(0x8d), registers(any(), any()), end(); /* LEA of a register */
    begin(), byte(0x64), byte(0x8b), byte(0x05), bytes(4, place(4)), end(); /* FS is null */
    begin(), byte(0x2e), byte(0x89), byte(0x05), bytes(4, place(4)), end(); /* CS is not writable */
  }
  WORDS(size) TIMES(10) { /* BOUND */
    begin();
    u32 at = place(2 * size);
    int reg = any();
    if (choose(3)) {
      i32 low = 0, high = 0;
      memcpy(&low, (u8 *)start.memory + (at - DATA), size);
      memcpy(&high, (u8 *)start.memory + (at - DATA) + size, size);
      i32 near[] = {low, high, low - 1, high + 1, low + 1, high - 1};
      force(reg, size == 2 ? (regs[reg] & 0xffff0000) | (near[choose(6)] & 0xffff) : (u32)near[choose(6)]);
    }
    plan_memory(at, 0), operand_size(size), byte(0x62), memory(reg), end();
  }
  for (int mem = 0; mem < 2; mem++) TIMES(8) begin(), modrm((Form){1, mem, 0}, 0x63, any(), any(), 2), end(); /* ARPL */
}

/* Page faults in the middle of instructions: the second page of a window cannot be written, or not at all. */
static void end_with(int data, int stack) {
  data_page = data, stack_page = stack;
  end();
}
static u32 edge(int size) { return DATA + WINDOW / 2 - size - 2 + choose(size + 4); }
static void fault_form(Form f, u32 opcode, int reg, int memory_size, int immediate) {
  if (f.lock) byte(0xf0);
  plan_memory(edge(memory_size), 0);
  operand_size(f.size);
  if (opcode > 0xff) byte(opcode >> 8);
  byte(opcode), memory(reg);
  if (immediate >= 0) byte(immediate);
}
static void page_faults(void) {
  static const struct { u32 byte_form, word_form; int reg; u8 loose; int immediate; } forms[] = {
    {0x88, 0x89, -1, 0, -1}, {0x8a, 0x8b, -1, 0, -1}, {0x00, 0x01, -1, 0, -1}, {0x10, 0x11, -1, 0, -1},
    {0x38, 0x39, -1, 0, -1}, {0x84, 0x85, -1, AF, -1}, {0x86, 0x87, -1, 0, -1}, {0xf6, 0xf7, 2, 0, -1},
    {0xfe, 0xff, 0, 0, -1}, {0x0fc0, 0x0fc1, -1, 0, -1}, {0x0fb0, 0x0fb1, -1, 0, -1}, {0xd0, 0xd1, 4, AF, -1},
    {0xd0, 0xd1, 2, 0, -1}, {0xc0, 0xc1, 5, AF, 0}, {0xc0, 0xc1, 1, 0, 32}, {0x0f94, 0x0f45, -1, 0, -1},
    {0x0fb6, 0x0fb7, -1, 0, -1}, {0xf6, 0xf7, 4, SF | ZF | AF | PF, -1}, {0x0fba, 0x0fba, 4, OF | SF | AF | PF, 3},
    {0x0fba, 0x0fba, 5, OF | SF | AF | PF, 7}, {0x0fa4, 0x0fac, -1, OF | AF, 8}, {0x0fa4, 0x0fac, -1, AF, 0}};
  for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) SIZES(size)
    for (int page = READ_ONLY; page <= ABSENT; page++) TIMES(3) {
      u32 opcode = size == 1 ? forms[i].byte_form : forms[i].word_form;
      int words_only = opcode == 0x0fba || opcode == 0x0fa4 || opcode == 0x0fac;
      int accessed = opcode == 0x0fb6 || opcode == 0x0f94 ? 1 : opcode == 0x0fb7 ? 2 : size;
      if (words_only && size == 1) continue;
      begin(), undefined |= forms[i].loose;
      int reg = forms[i].reg < 0 ? any() : forms[i].reg;
      fault_form((Form){size, 1, 0}, opcode, reg, accessed, forms[i].immediate), end_with(page, PLAIN);
    }
  for (int page = READ_ONLY; page <= ABSENT; page++) {
    TIMES(8) begin(), fault_form((Form){4, 1, 0}, 0x0fc7, 1, 8, -1), end_with(page, PLAIN); /* CMPXCHG8B */
    TIMES(6) begin(), byte(0xd7), force(EBX, edge(1) - (regs[EAX] & 0xff)), end_with(page, PLAIN);
    for (int mode = 0; mode < 4; mode++) WORDS(size) TIMES(3) {
      begin_stack(mode), stack_pointer(8, 0), plan_memory(edge(size), 0);
      operand_size(size), byte(0xff), memory(6), end_with(page, PLAIN); /* PUSH m */
      begin_stack(mode), stack_pointer(0, 8), plan_memory(edge(size), size);
      operand_size(size), byte(0x8f), memory(0), end_with(page, PLAIN); /* POP m */
      /* the stack itself: PUSH, POP, PUSHF, CALL, RET, PUSHA, POPA, LEAVE, ENTER */
      static const u8 ops[] = {0x50, 0x58, 0x9c, 0xe8, 0xc3, 0x60, 0x61, 0xc9, 0xc8};
      for (unsigned o = 0; o < sizeof ops; o++) {
        begin_stack(mode);
        u32 at = STACK + WINDOW / 2 - 5 + choose(12) + (ops[o] == 0x60 ? choose(32) : ops[o] == 0x61 ? -choose(32) : 0);
        /* what RET would pop is no landing place */
        if (ops[o] == 0xc3 && (page != ABSENT || at + size <= STACK + WINDOW / 2)) continue;
        if (ops[o] == 0xc9) pointer(EBP, stack16, at);
        else pointer(ESP, stack16, at);
        if (ops[o] == 0xc8) pointer(EBP, stack16, STACK + 60 + choose(80));
        if (ops[o] == 0x50 || ops[o] == 0x58) operand_size(size), byte(ops[o] | general());
        else operand_size(size), byte(ops[o]);
        if (ops[o] == 0xe8) taken_at = 0x44, bytes(size, taken_at - (length + size));
        if (ops[o] == 0xc8) bytes(2, choose(16)), byte(choose(4));
        end_with(PLAIN, page);
      }
    }
    /* a window that is left downwards: STOS, MOVS, LODS, CMPS, SCAS over the edge, both ways */
    static const u8 strings[] = {0xa4, 0xa6, 0xaa, 0xac, 0xae};
    for (int o = 0; o < 5; o++) SIZES(size) for (int down = 0; down < 2; down++) TIMES(5) {
      begin_in(0, 0, choose(2)), direction = down;
      u32 count = 2 + choose(48 / size), span = count * size;
      u32 low = DATA + WINDOW / 2 - choose(span + 4), other = DATA + choose(WINDOW / 2 - span);
      u32 source = choose(2) ? low : other, destination = source == low && choose(2) ? other : low;
      if (down) source += span - size, destination += span - size;
      force(ECX, count), force(ESI, source), force(EDI, destination);
      byte(choose(2) ? 0xf3 : 0xf2), operand_size(size), byte(strings[o] | (size != 1)), end_with(page, PLAIN);
    }
  }
}

int main(int argc, char **argv) {
  rounds = argc > 1 ? atoi(argv[1]) : 1;
  u32 seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
  u32 first = case_index = seed * 0x01000193u;
  chooser = seed;
  char *text;
  size_t size;
  body = open_memstream(&text, &size);
  set_up();
  arithmetic(), exchanges(), shifts(), products(), quotients(), bit_operations();
  conditions(), loops(), moves(), flag_operations(), decimals();
  stack_operations(), strings(), faults(), page_faults();
  fclose(body);
  printf("Integer instruction vectors. Origin: native execution, test/vectors/integer/make-vectors.c,\n"
         "on an Intel Xeon (family 6, model 167), 22 November 2026. Layout: see there.\n\n");
  fwrite(&count_cases, 4, 1, stdout);
  fwrite(&first, 4, 1, stdout);
  fwrite(text, 1, size, stdout);
  fprintf(stderr, "%u cases, %zu bytes\n", count_cases, size);
  return 0;
}
