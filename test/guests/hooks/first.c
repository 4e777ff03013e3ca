/*
 * The table of a kernel of the first form (Linux 2.6.20): one structure with operations beside values. Only
 * what describes data is written in C, for its debugging information; the offsets are those of first.s.
 */
typedef unsigned char u8;
typedef unsigned short u16;

struct paravirt_ops {
  unsigned int kernel_rpl;
  int paravirt_enabled;
  const char *name;
  unsigned (*patch)(u8 type, u16 clobber, void *firstinsn, unsigned len);
  unsigned long (*read_cr3)(void);
  void (*write_cr3)(unsigned long value);
  unsigned long (*save_fl)(void);
  void (*restore_fl)(unsigned long flags);
  void (*irq_disable)(void);
  void (*irq_enable)(void);
  void (*io_delay)(void);
  void (*set_lazy_mode)(int mode);
  void (*irq_enable_sysexit)(void);
  void (*iret)(void);
};

struct paravirt_patch {
  u8 *instr;
  u8 instrtype;
  u8 len;
  u16 clobbers;
};

_Static_assert(__builtin_offsetof(struct paravirt_ops, patch) == 12, "first.s has another offset");
_Static_assert(__builtin_offsetof(struct paravirt_ops, iret) == 52, "first.s has another offset");

unsigned native_patch(u8, u16, void *, unsigned);
unsigned long native_read_cr3(void), native_save_fl(void);
void native_write_cr3(unsigned long), native_restore_fl(unsigned long);
void native_irq_disable(void), native_irq_enable(void), native_io_delay(void), native_nop(void);
void native_irq_enable_sysexit(void), native_iret(void);

struct paravirt_ops paravirt_ops = {
  .name = "bare hardware",
  .patch = native_patch,
  .read_cr3 = native_read_cr3,
  .write_cr3 = native_write_cr3,
  .save_fl = native_save_fl,
  .restore_fl = native_restore_fl,
  .irq_disable = native_irq_disable,
  .irq_enable = native_irq_enable,
  .io_delay = native_io_delay,
  .set_lazy_mode = (void (*)(int))native_nop,
  .irq_enable_sysexit = native_irq_enable_sysexit,
  .iret = native_iret,
};

extern struct paravirt_patch __start_parainstructions[];
struct paravirt_patch *first_record = __start_parainstructions;
