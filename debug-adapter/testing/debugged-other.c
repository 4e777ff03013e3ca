/* The other file of debugged-program.c: what is only declared there is complete here. */
struct elsewhere {
  int found;
  struct elsewhere *self;
};

static int counter = 4;
struct elsewhere here;

int *count(void) {
  here.found = counter;
  return &counter;
}
