/* A header from which every unit has code, as a kernel's list.h. */
static __attribute__((noinline, used)) int shared(int x) {
  return x * 3;
}
