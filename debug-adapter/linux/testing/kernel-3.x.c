/*
 * A kernel of the forms between: the current task in a per-CPU variable, thread_info at the stack's bottom,
 * the log as records in a ring, counters of modules in per-CPU memory. It is for several processors.
 */
#include "kernel.h"

struct task_struct;

struct thread_info {
  struct task_struct *task;
  u32 cpu;
};

union thread_union {
  struct thread_info thread_info;
  unsigned long stack[2048];
};

struct signal_struct {
  struct list_head thread_head;
};

struct task_struct {
  volatile long state;
  void *stack;
  int on_cpu;
  int exit_state;
  struct list_head tasks;
  void *mm;
  int pid, tgid;
  struct task_struct *real_parent;
  struct list_head thread_node;
  struct signal_struct *signal;
  char comm[16];
};

const char linux_banner[] = "Linux version 3.16.0 (test)\n";
/* As 3.16 has it: an exit state of 16 is dead now. */
const char *const task_state_array[] = {"R (running)",      "S (sleeping)", "D (disk sleep)", "T (stopped)",
                                        "t (tracing stop)", "X (dead)",     "Z (zombie)"};

extern struct task_struct init_task, init, thread;
struct signal_struct idle_signal = {{&init_task.thread_node, &init_task.thread_node}};
struct signal_struct init_signal = {{&init.thread_node, &thread.thread_node}};
struct task_struct init_task = {.comm = "swapper/0", .tasks = {&init.tasks, &init.tasks}, .real_parent = &init_task,
                                .thread_node = {&idle_signal.thread_head, &idle_signal.thread_head}, .signal = &idle_signal};
struct task_struct init = {.state = 0x100 | 2, .pid = 1, .tgid = 1, .comm = "systemd", .mm = &init, .real_parent = &init_task,
                           .tasks = {&init_task.tasks, &init_task.tasks}, .signal = &init_signal,
                           .thread_node = {&thread.thread_node, &init_signal.thread_head}};
struct task_struct thread = {.exit_state = 32, .pid = 9, .tgid = 1, .comm = "worker", .real_parent = &init_task,
                             .signal = &init_signal, .thread_node = {&init_signal.thread_head, &init.thread_node}};

unsigned long __per_cpu_offset[2] = {COPIES, COPIES + 0x1000};
int nr_cpu_ids = 2;
struct task_struct *current_task SECTION(".percpu") = &init_task;
struct module_ref {
  unsigned long incs, decs;
} counters SECTION(".percpu");
struct copies {
  struct task_struct *current_task;
  struct module_ref counters;
};
struct {
  struct copies first;
  char gap[0x1000 - sizeof(struct copies)];
  struct copies second;
} copies SECTION(".copies") = {{&init, {5, 1}}, {0}, {&thread, {2, 4}}};

/* A ring of 128 bytes: the oldest record, no room for another one behind it, and two at the beginning. */
struct printk_log {
  u64 ts_nsec;
  u16 len, text_len, dict_len;
  u8 facility;
  u8 flags : 5;
  u8 level : 3;
};
#define RECORD(at, time, size, bits, how) {time, sizeof(struct printk_log) + size, sizeof(at) - 1, 0, 0, bits, how}
struct {
  struct printk_log part;
  char part_text[16];
  struct printk_log rest;
  char rest_text[16];
  char room[8];
  struct printk_log oldest;
  char oldest_text[16];
  struct printk_log end;
  char unused[8];
} ring __attribute__((aligned(16))) = {
    RECORD("half", 1500000000ull, 16, 4, 4), "half", RECORD(" whole", 1600000000ull, 16, 8 | 2, 4), " whole", {0},
    RECORD("oldest\nof all", 1000ull, 16, 2, 6), "oldest\nof all", {0},
};
DEFINED(sizeof(ring) == 128);
char *log_buf = (char *)&ring;
u32 log_buf_len = 128;
u32 log_first_idx = 72;
u32 log_next_idx = 64;

enum module_state { MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING };
struct module_sect_attr {
  long mattr[4];
  char *name;
  unsigned long address;
};
struct module_sect_attrs {
  long grp[2];
  u32 nsections;
  struct module_sect_attr attrs[];
};
struct module {
  enum module_state state;
  struct list_head list;
  char name[56];
  int (*init)(void);
  void *module_init, *module_core;
  u32 init_size, core_size;
  struct module_sect_attrs *sect_attrs;
  struct list_head source_list, target_list;
  void (*exit)(void);
  struct module_ref *refptr;
};
struct module_use {
  struct list_head source_list, target_list;
  struct module *source, *target;
};
extern struct list_head modules;
struct module loop = {.name = "loop", .list = {&modules, &modules}, .init = (void *)0xd0900000, .module_core = (void *)0xd0800000,
                      .core_size = 0x5000, .source_list = {&loop.source_list, &loop.source_list}, .refptr = &counters};
struct list_head modules = {&loop.list, &loop.list};
