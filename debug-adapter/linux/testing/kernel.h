/* What the kernels of this folder share. None of them runs: their data is a guest's memory at a stop. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define BASE(name) ((unsigned long)&(name))
#define SECTION(name) __attribute__((section(name)))
#define DEFINED(made) _Static_assert(made, #made)

struct list_head {
  struct list_head *next, *prev;
};

/* From the master copy of per-CPU variables to those of the first CPU; the next follow 0x1000 bytes apart. */
#define COPIES 0x01000000
