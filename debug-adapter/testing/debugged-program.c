/*
 * A program with debugging information of every kind that C makes, for tests of what reads it. It tells
 * its own sizes and offsets, as the compiler knows them, in `truth`, and where bits lie in structures of
 * which one bit-field is all ones. It is never run.
 */
typedef unsigned char u8;
typedef unsigned long long u64;

#define OFFSET(type, member) __builtin_offsetof(type, member)

struct node;
enum colour { RED, GREEN = 5, BLUE = -1 };
enum wide { WIDEST = 0xffffffff };
enum __attribute__((packed)) narrow { NARROW = 200 };

struct bits {
  unsigned a : 3;
  unsigned b : 7;
  u8 c : 2;
  int d : 9;
  u64 e : 33;
  _Bool f : 1;
};

struct __attribute__((packed)) packed_bits {
  char x;
  unsigned a : 5;
  unsigned b : 30;
};

struct node {
  struct node *next, **all;
  union {
    int whole;
    float real;
    struct {
      short low, high;
    };
  };
  char name[16];
  int matrix[2][3];
  void (*call)(int, const char *, ...);
  volatile const u8 *const seen;
  enum colour colour;
  struct bits bits;
  long double large;
  int none[0];
  int more[];
};

struct mystery;
struct elsewhere;

struct node *head;
static int counter = 3;
struct mystery *mystery;
enum wide wide = WIDEST;
enum narrow narrow = NARROW;
struct elsewhere *elsewhere;
extern int declared_only;

const struct bits bits_of[] = {
  { .a = 7 }, { .b = 127 }, { .c = 3 }, { .d = -1 }, { .e = 0x1ffffffffull }, { .f = 1 },
};
const struct packed_bits packed_bits_of[] = { { .a = 31 }, { .b = 0x3fffffff } };

const unsigned truth[] = {
  sizeof(struct node), sizeof(struct bits), sizeof(struct packed_bits), sizeof(enum narrow),
  OFFSET(struct node, next), OFFSET(struct node, all), OFFSET(struct node, whole),
  OFFSET(struct node, real), OFFSET(struct node, low), OFFSET(struct node, high),
  OFFSET(struct node, name), OFFSET(struct node, matrix), OFFSET(struct node, call),
  OFFSET(struct node, seen), OFFSET(struct node, colour), OFFSET(struct node, bits),
  OFFSET(struct node, large), OFFSET(struct node, none), OFFSET(struct node, more),
};

__attribute__((noinline)) void report(int number) { __asm__ volatile("" : : "r"(number) : "memory"); }

static inline int twice(int x) {
  int y = x * 2;
  counter += y;
  report(y);
  return y + x;
}

__attribute__((noinline)) int work(struct node *node, int count, ...) {
  static int calls;
  const int step = 4;
  int sum = 0;
  calls++;
  for (int index = 0; index < count; index += step) {
    sum += twice(index + sum);
    {
      int product = sum * 3;
      report(product);
      node->whole += product;
    }
  }
  return sum;
}

void _start(void) {
  struct node node;
  head = &node;
  work(head, 9, wide);
  report(declared_only != 0);
}

int declared_only;
