/*
 * A kernel of 2.6.20's forms: the current task in struct i386_pda, names of per-CPU variables with a prefix,
 * thread_info by a pointer, the log as characters in a ring, counters of modules for each CPU.
 */
#include "kernel.h"

struct task_struct;

struct i386_pda {
  struct i386_pda *_pda;
  int cpu_number;
  struct task_struct *pcurrent;
};

struct thread_info {
  struct task_struct *task;
  u32 cpu;
};

union thread_union {
  struct thread_info thread_info;
  unsigned long stack[2048];
};

struct thread_struct {
  unsigned long esp0, eip, esp;
};

struct task_struct {
  volatile long state;
  struct thread_info *thread_info;
  struct list_head tasks;
  void *mm;
  long exit_state;
  int pid, tgid;
  struct task_struct *real_parent, *parent;
  struct list_head thread_group;
  char comm[16];
  struct thread_struct thread;
};

const char linux_banner[] = "Linux version 2.6.20 (test)\n";
const char *const task_state_array[] = {"R (running)",      "S (sleeping)", "D (disk sleep)", "T (stopped)",
                                        "T (tracing stop)", "Z (zombie)",   "X (dead)"};

void sys_restart_syscall(void) {}
void sys_exit(void) {}
void sys_ni_syscall(void) {}
void schedule(void) { __asm__(".skip 64, 0x90"); }
void sys_wait4(void) { __asm__(".skip 64, 0x90"); }
void *const sys_call_table[] = {sys_restart_syscall, sys_exit, sys_ni_syscall, 0};

/* A stack at rest: the frame pointer on top, two frames, and the last caller is no code. */
extern struct task_struct init_task, init, shell, thread, zombie;
union thread_union idle_stack = {.thread_info = {&init_task, 0}};
union thread_union thread_stack = {.thread_info = {&thread, 1}};
union thread_union init_stack = {
    .stack = {[0] = BASE(init), [1] = 1, [2000] = BASE(init_stack.stack[2010]),
              [2010] = BASE(init_stack.stack[2020]), [2011] = BASE(sys_wait4) + 9, [2020] = 0, [2021] = 0}};

#define NODES(before, after) {&(after).tasks, &(before).tasks}
#define ALONE(task) {&(task).thread_group, &(task).thread_group}
struct task_struct init_task = {.comm = "swapper", .tasks = NODES(zombie, init), .thread_info = &idle_stack.thread_info,
                                .thread_group = ALONE(init_task), .parent = &init_task, .real_parent = &init_task};
struct task_struct init = {.state = 1, .pid = 1, .tgid = 1, .comm = "init", .mm = &init, .tasks = NODES(init_task, shell),
                           .thread_info = &init_stack.thread_info, .real_parent = &init_task, .thread_group = ALONE(init),
                           .thread = {.eip = BASE(schedule) + 5, .esp = BASE(init_stack.stack[2000])}};
struct task_struct shell = {.pid = 20, .tgid = 20, .comm = "shell of 15 chr", .mm = &shell, .tasks = NODES(init, zombie),
                            .thread_info = &thread_stack.thread_info, .real_parent = &init,
                            .thread_group = {&thread.thread_group, &thread.thread_group}};
struct task_struct thread = {.state = 2, .pid = 21, .tgid = 20, .comm = "thread", .mm = &shell,
                             .thread_info = &thread_stack.thread_info, .real_parent = &init,
                             .thread_group = {&shell.thread_group, &shell.thread_group}};
struct task_struct zombie = {.exit_state = 16, .pid = 22, .tgid = 22, .comm = "zombie", .tasks = NODES(shell, init_task),
                             .thread_info = &idle_stack.thread_info, .real_parent = &shell, .thread_group = ALONE(zombie)};

struct i386_pda first_pda = {&first_pda, 0, &init_task};
struct i386_pda second_pda = {&second_pda, 1, &shell};
struct i386_pda *_cpu_pda[2] = {&first_pda, &second_pda};
unsigned long cpu_possible_map = 3;
unsigned long __per_cpu_offset[2] = {COPIES, COPIES + 0x1000};
int per_cpu__count SECTION(".percpu") = 5;
struct {
  int first;
  char gap[0xffc];
  int second;
} count_copies SECTION(".copies") = {7, {0}, 8};

/* 64 characters, of which the newest 28 have gone over the end. */
#define NEWEST "000002] two\n<3>without time\n"
#define OLDEST "ost\n<6>[    1.500000] one\n<4>[    2."
static char __log_buf[] __attribute__((nonstring)) = NEWEST OLDEST;
char *log_buf = __log_buf;
int log_buf_len = 64;
unsigned long log_end = 128 + sizeof(NEWEST) - 1;
unsigned long logged_chars = 64;
DEFINED(sizeof(NEWEST OLDEST) == 65);

enum module_state { MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING };
struct module_ref {
  long count;
} __attribute__((aligned(64)));
struct module_sect_attr {
  long mattr[4];
  char *name;
  unsigned long address;
};
struct module_sect_attrs {
  long grp[2];
  int nsections;
  struct module_sect_attr attrs[];
};
struct module {
  enum module_state state;
  struct list_head list;
  char name[60];
  int (*init)(void);
  void *module_init, *module_core;
  unsigned long init_size, core_size;
  struct module_ref ref[2];
  struct list_head modules_which_use_me;
  void (*exit)(void);
  struct module_sect_attrs *sect_attrs;
};
struct module_use {
  struct list_head list;
  struct module *module_which_uses;
};

extern struct module jbd, ext3;
extern struct list_head modules;
struct module_use use = {{&jbd.modules_which_use_me, &jbd.modules_which_use_me}, &ext3};
struct module_sect_attrs sections = {
    .nsections = 2, .attrs = {{.name = ".text", .address = 0xd0800000}, {.name = ".data", .address = 0xd0803000}}};
struct module jbd = {.name = "jbd", .list = {&modules, &ext3.list}, .module_core = (void *)0xd0800000, .core_size = 0x4000,
                     .ref = {{3}, {-2}}, .modules_which_use_me = {&use.list, &use.list}, .sect_attrs = &sections};
struct module ext3 = {.state = MODULE_STATE_COMING, .name = "ext3", .list = {&jbd.list, &modules}, .init = (void *)0xd0900000,
                      .module_core = (void *)0xd0810000, .core_size = 0x8000, .init_size = 0x1000,
                      .modules_which_use_me = {&ext3.modules_which_use_me, &ext3.modules_which_use_me}};
struct list_head modules = {&ext3.list, &jbd.list};
