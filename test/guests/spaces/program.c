/*
 * Two user programs of one source, each of which begins at 0x08048000 in an address space of its own
 * (spaces.s): one adds, the other, which is position-independent, subtracts.
 */
static int total = 40;

#ifdef FIRST

static __attribute__((noinline)) int add(int amount)
{
    int sum = total + amount;
    total = sum; /* it has added */
    return sum;
}

__attribute__((section(".begin"))) void first_program(void)
{
    add(3);
}

#else

static __attribute__((noinline)) int subtract(int amount)
{
    int rest = total - amount;
    total = rest; /* it has subtracted */
    return rest;
}

__attribute__((section(".begin"))) void second_program(void)
{
    subtract(5);
}

#endif
