/*
 * A kernel of 6.1's forms, for one processor: __state, thread_info in the task, inactive_task_frame, the log
 * as three rings, core_layout of modules with the names of sections in bin_attribute.
 */
#include "kernel.h"

typedef struct {
  int counter;
} atomic_t;

struct thread_info {
  unsigned long flags;
};

union thread_union {
  unsigned long stack[2048];
};

struct inactive_task_frame {
  unsigned long flags, si, di, bx, bp, ret_addr;
};

struct thread_struct {
  unsigned long sp0, sp;
};

struct signal_struct {
  struct list_head thread_head;
};

struct worker {
  void *current_work;
  char desc[24];
};
struct kthread {
  void *data;
  char *full_name;
};

struct task_struct {
  struct thread_info thread_info;
  u32 __state;
  void *stack;
  u32 flags;
  void *worker_private;
  struct {
    int exit_state;
    struct list_head tasks;
    void *mm;
  };
  int pid, tgid;
  struct task_struct *real_parent;
  struct list_head thread_group, thread_node;
  struct signal_struct *signal;
  char comm[16];
  struct thread_struct thread;
};

const char linux_banner[] = "Linux version 6.1.0 (test)\n";

void __ia32_sys_restart_syscall(void) {}
void __ia32_sys_exit(void) {}
void __ia32_sys_ni_syscall(void) {}
void __schedule(void) { __asm__(".skip 64, 0x90"); }
void kthreadd(void) { __asm__(".skip 64, 0x90"); }
void *const sys_call_table[] = {__ia32_sys_restart_syscall, __ia32_sys_exit, __ia32_sys_ni_syscall};

extern struct task_struct init_task, kernel_thread;
union thread_union idle_stack;
union thread_union stack = {.stack = {[2004] = BASE(stack.stack[2010]), [2005] = BASE(__schedule) + 7,
                                      [2010] = 0, [2011] = BASE(kthreadd) + 3}};
struct inactive_task_frame *pushed = (struct inactive_task_frame *)&stack.stack[2000];
struct signal_struct idle_signal = {{&init_task.thread_node, &init_task.thread_node}};
struct signal_struct thread_signal = {{&kernel_thread.thread_node, &kernel_thread.thread_node}};
struct task_struct init_task = {.comm = "swapper", .tasks = {&kernel_thread.tasks, &kernel_thread.tasks}, .stack = &idle_stack,
                                .real_parent = &init_task, .signal = &idle_signal,
                                .thread_node = {&idle_signal.thread_head, &idle_signal.thread_head}};
struct worker worker = {.desc = "events"};
struct kthread kthread = {.data = &worker};
struct task_struct kernel_thread = {.__state = 0x402, .flags = 0x20, .worker_private = &kthread,
                                    .pid = 2, .tgid = 2, .comm = "kworker/0:0", .stack = &stack,
                                    .tasks = {&init_task.tasks, &init_task.tasks}, .real_parent = &init_task,
                                    .signal = &thread_signal, .thread = {.sp = BASE(stack.stack[2000])},
                                    .thread_node = {&thread_signal.thread_head, &thread_signal.thread_head}};
struct task_struct *current_task = &kernel_thread;

/* Four descriptors, of which three are of records: committed, reserved, finalized over the end. */
struct prb_data_blk_lpos {
  unsigned long begin, next;
};
struct prb_desc {
  atomic_t state_var;
  struct prb_data_blk_lpos text_blk_lpos;
};
struct printk_info {
  u64 seq, ts_nsec;
  u16 text_len;
  u8 facility;
  u8 flags : 5;
  u8 level : 3;
  u32 caller_id;
};
struct printk_ringbuffer {
  struct prb_desc_ring {
    u32 count_bits;
    struct prb_desc *descs;
    struct printk_info *infos;
    atomic_t head_id, tail_id;
  } desc_ring;
  struct prb_data_ring {
    u32 size_bits;
    char *data;
    atomic_t head_lpos, tail_lpos;
  } text_data_ring;
};
#define STATE(kind, id) {(int)(((u32)(kind) << 30) | (id))}
struct prb_desc descs[4] = {{STATE(2, 8), {64 + 48, 128 + 24}},
                            {STATE(2, 9), {3, 3}},
                            {STATE(0, 6), {64, 64 + 24}},
                            {STATE(1, 7), {64 + 24, 64 + 48}}};
struct printk_info infos[4] = {{.ts_nsec = 2000000000ull, .text_len = 20, .level = 3},
                               {.ts_nsec = 2100000000ull, .text_len = 0, .level = 7},
                               {.ts_nsec = 1000, .text_len = 5, .level = 6},
                               {.ts_nsec = 1234567890ull, .text_len = 17, .level = 6, .facility = 1}};
char data[64] __attribute__((nonstring)) = "\x08\0\0\0over the end\n2 lines"
                                           "\x07\0\0\0seventeen letters...";
struct printk_ringbuffer printk_rb_static = {{2, descs, infos, {9}, {6}}, {6, data, {152}, {64}}};
struct printk_ringbuffer *prb = &printk_rb_static;

enum module_state { MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING, MODULE_STATE_UNFORMED };
struct attribute {
  const char *name;
};
struct bin_attribute {
  struct attribute attr;
  void *private;
};
struct module_sect_attr {
  struct bin_attribute battr;
  unsigned long address;
};
struct module_sect_attrs {
  long grp[2];
  u32 nsections;
  struct module_sect_attr attrs[];
};
struct module_layout {
  void *base;
  u32 size;
};
struct module {
  enum module_state state;
  struct list_head list;
  char name[56];
  struct module_sect_attrs *sect_attrs;
  int (*init)(void);
  struct module_layout core_layout, init_layout;
  struct list_head source_list, target_list;
  void (*exit)(void);
  atomic_t refcnt;
};
struct module_use {
  struct list_head source_list, target_list;
  struct module *source, *target;
};
extern struct module crc16, ext4;
extern struct list_head modules;
struct module_use use = {{&crc16.source_list, &crc16.source_list}, {0}, &ext4, &crc16};
struct module_sect_attrs sections = {.nsections = 1, .attrs = {{{{".text"}}, 0xd0809000}}};
struct module ext4 = {.name = "ext4", .list = {&crc16.list, &modules}, .core_layout = {(void *)0xd0991000, 0x2000},
                      .init_layout = {(void *)0xd0a00000, 0x1000}, .source_list = {&ext4.source_list, &ext4.source_list},
                      .state = MODULE_STATE_GOING, .refcnt = {1}};
struct module crc16 = {.name = "crc16", .list = {&modules, &ext4.list}, .core_layout = {(void *)0xd0809000, 0x4000},
                       .source_list = {&use.source_list, &use.source_list}, .sect_attrs = &sections, .refcnt = {2}};
struct list_head modules = {&ext4.list, &crc16.list};
