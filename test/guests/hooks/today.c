/*
 * The tables of a kernel of today's form: one table with a group for each kind of operation, functions
 * that save registers behind a type of their own, and the types of the records. Only what describes data
 * is written in C, for its debugging information; the offsets are those of today.s.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef int s32;

struct paravirt_callee_save {
  void *func;
};

struct pv_info {
  const char *name;
};

struct pv_lazy_ops {
  void (*enter)(void);
  void (*leave)(void);
};

struct pv_cpu_ops {
  void (*io_delay)(void);
  void (*wbinvd)(void);
};

struct pv_irq_ops {
  struct paravirt_callee_save save_fl;
  struct paravirt_callee_save irq_disable;
  struct paravirt_callee_save irq_enable;
  void (*halt)(void);
};

struct pv_mmu_ops {
  void (*flush_tlb_user)(void);
  unsigned long (*read_cr3)(void);
  void (*write_cr3)(unsigned long value);
  void (*exit_mmap)(void *mm);
  struct paravirt_callee_save make_pte;
  struct pv_lazy_ops lazy_mode;
};

struct pv_lock_ops {
  struct paravirt_callee_save queued_spin_unlock;
  void (*wait)(u8 *place, u8 value);
  struct paravirt_callee_save vcpu_is_preempted;
};

struct paravirt_patch_template {
  struct pv_cpu_ops cpu;
  struct pv_irq_ops irq;
  struct pv_mmu_ops mmu;
  struct pv_lock_ops lock;
};

struct paravirt_patch_site {
  u8 *instr;
  u8 type;
  u8 len;
};

struct alt_instr {
  s32 instr_offset;
  s32 repl_offset;
  u16 cpuid;
  u8 instrlen;
  u8 replacementlen;
} __attribute__((packed));

#define OFFSET(group, member, number)                                                              \
  _Static_assert(__builtin_offsetof(struct paravirt_patch_template, group.member) == 4 * (number), \
                 "today.s has another offset")
OFFSET(irq, save_fl, 2);
OFFSET(mmu, flush_tlb_user, 6);
OFFSET(lock, queued_spin_unlock, 13);
OFFSET(lock, vcpu_is_preempted, 15);

void native_io_delay(void), native_wbinvd(void), native_halt(void), native_flush_tlb_local(void);
void native_write_cr3(unsigned long), _paravirt_nop(void), lazy_enter(void), lazy_leave(void);
unsigned long native_read_cr3(void);
void native_save_fl(void), native_irq_disable(void), native_irq_enable(void);
void _paravirt_ident_32(void), native_vcpu_is_preempted(void);
void __raw_callee_save_native_queued_spin_unlock(void);

struct pv_info pv_info = {"bare hardware"};

struct paravirt_patch_template pv_ops = {
  .cpu = {native_io_delay, native_wbinvd},
  .irq = {{native_save_fl}, {native_irq_disable}, {native_irq_enable}, native_halt},
  .mmu = {native_flush_tlb_local, native_read_cr3, native_write_cr3, (void (*)(void *))_paravirt_nop,
          {_paravirt_ident_32}, {lazy_enter, lazy_leave}},
  .lock = {{__raw_callee_save_native_queued_spin_unlock}, 0, {native_vcpu_is_preempted}},
};

extern struct paravirt_patch_site __parainstructions[];
extern struct alt_instr __alt_instructions[];
struct paravirt_patch_site *first_record = __parainstructions;
struct alt_instr *first_alternative = __alt_instructions;
