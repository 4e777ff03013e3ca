/** The ways in which stacks.c is compiled. */

// prettier-ignore
export const VARIANTS = {
  // name, flags of gcc
  'O0':                ['-O0'],
  'O0-regparm':        ['-O0', '-mregparm=3'],
  'O2':                ['-O2', '-fomit-frame-pointer'],
  'O2-frame-pointers': ['-O2', '-fno-omit-frame-pointer'],
  'O2-regparm':        ['-O2', '-fomit-frame-pointer', '-mregparm=3'],
} as const satisfies { readonly [name: string]: readonly string[] };
export type Variant = keyof typeof VARIANTS;
export const VARIANT_NAMES = Object.keys(VARIANTS) as readonly Variant[];
