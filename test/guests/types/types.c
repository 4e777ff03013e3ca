/*
 * A program with objects of every kind of type, stopped where the label stop_point is. It runs as a
 * Multiboot kernel in the machine and as a process of Linux under gdb, from the same ELF file: gdb's
 * answers about it are what ours are compared with (record.ts, test/dap/types.test.ts).
 */
asm(".section .multiboot, \"a\"\n"
    ".align 4\n"
    ".long 0x1badb002, 0, -0x1badb002\n"
    ".text\n"
    ".globl _start\n"
    "_start: mov $stack_top, %esp\n"
    "xor %ebp, %ebp\n"
    "fninit\n"
    "call main\n"
    "1: jmp 1b\n"
    ".bss\n"
    ".skip 8192\n"
    "stack_top:\n"
    ".text\n");

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;

enum state { IDLE, READY = 4, GONE = -1 };
enum flags { READ = 1, WRITE = 2, EXECUTE = 4, SHARED = 0x80 };

struct list {
  struct list *next, *previous;
};

struct bits {
  unsigned present : 1, writable : 1, user : 1;
  unsigned : 2;
  unsigned frame : 20;
  int level : 5;
  u64 wide : 40;
  u8 tail : 3;
};

struct packed {
  char tag;
  int number;
  short half;
} __attribute__((packed));

typedef struct task task_t;
struct task {
  int pid;
  char comm[16];
  enum state state;
  enum flags flags;
  union {
    u32 word;
    u8 bytes[4];
    struct {
      u16 low, high;
    };
  };
  task_t *parent;
  struct list children, sibling;
  long long runtime;
  double load;
  float share;
  long double exact;
  bool on, off;
  int (*handler)(int, struct task *);
  short grid[2][3];
  const char *title;
  void *private;
  struct bits bits;
  struct packed packed;
  volatile unsigned long jiffies;
  int *numbers;
  char **arguments;
  u8 none[0];
  int tail[];
};

static int handle(int number, struct task *task) {
  return number + task->pid;
}

static int table[8] = {1, -2, 3, -4, 5, -6, 7, 0x7fffffff};
static char *words[] = {"one", "two \"quoted\"", 0};

struct task init = {
    .pid = 1,
    .comm = "swapper/0",
    .state = READY,
    .flags = READ | EXECUTE,
    .word = 0x04030201,
    .parent = &init,
    .children = {&init.sibling, &init.children},
    .sibling = {&init.children, &init.sibling},
    .runtime = -1234567890123LL,
    .load = 0.1,
    .share = 2.7f,
    .exact = -1.25L,
    .on = 1,
    .handler = handle,
    .grid = {{-1, 2, -3}, {4, -5, 6}},
    .title = "the first\tone",
    .private = &table[2],
    .bits = {1, 0, 1, 0xabcde, -3, 0x1234567890, 5},
    .packed = {'x', -70000, 300},
    .jiffies = 4000000000ul,
    .numbers = &table[1],
    .arguments = words,
};
task_t *current = &init;
struct task second = {.pid = 42, .comm = "init", .state = GONE, .flags = 0x89, .parent = &init};
u64 big = 0xfedcba9876543210ull;
signed char small = -5;
unsigned char letter = 'z';
int (*handlers[2])(int, struct task *) = {handle, 0};
static const struct list *const nothing = 0;
float zero = 0, tiny = 1e-30f;
double huge = 1e300;
volatile int sink;

static __attribute__((noinline, noclone)) long long work(int count, struct task *task, const char *title,
                                                         long long wide) {
  u8 cs = (u8)('A' + count);
  int doubled = count * 2;
  struct packed copy = task->packed;
  int squares[4];
  double mean = wide / 4.0;
  for (int index = 0; index < 4; index++) squares[index] = index * index + count;
  sink = squares[3];
  {
    int count = task->pid + 5;
    struct list *where = &task->children;
    sink = count;
    asm volatile(".globl stop_point\nstop_point: nop" : : "r"(where), "r"(count) : "memory");
    sink = where->next != 0;
  }
  sink += cs + copy.number + title[0] + doubled + squares[1];
  return wide + (long long)mean + squares[2] + cs;
}

int main(void) {
  int local = 12;
  struct list own = {&init.children, 0};
  sink = local;
  asm volatile("" : : "r"(&own) : "memory");
  long long result = work(local - 9, &second, init.title, 0x123456789abcLL);
  sink = (int)result + local;
  return own.next != 0;
}
