# Where everything lies, physical and linear, and the interrupt vectors. The image is at 1 MiB: code, then
# on pages of its own what is only read. Everything that is written lies behind it.

        .set    BUFFER_BYTES,   0x10000
        .set    BUFFER_WORDS,   BUFFER_BYTES / 4

        .set    STACK_TOP,      0x210000
        .set    PAGE_DIRECTORY, 0x210000
        .set    PAGE_TABLES,    0x211000
        .set    MAPPED_TABLES,  16              # 64 MiB
        .set    CRC_TABLE,      0x230000
        .set    SOURCE,         0x240000
        .set    TARGET,         0x260000
        .set    FIELD,          0x1000000       # 32 MiB for the strides
        .set    FIELD_BYTES,    0x2000000

        .set    FIRST_VECTOR,   0x20            # of the interrupt controller
        .set    SERIAL_VECTOR,  FIRST_VECTOR + 4
