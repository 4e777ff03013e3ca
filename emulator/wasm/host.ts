/**
 * The part of the WebAssembly JavaScript API that the emulator uses. Declared here because the
 * emulator is compiled without DOM and Node types; every host has the real object under this name.
 */

export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}
export interface WasmTable {
  readonly set: (index: number, value: unknown) => void;
}
interface WasmInstance {
  readonly exports: { readonly [name: string]: unknown };
}
interface WasmApi {
  readonly Memory: new (descriptor: {
    initial: number;
    maximum: number;
    shared?: boolean;
  }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly [module: string]: { readonly [name: string]: unknown } },
  ) => WasmInstance;
}

export function wasm(): WasmApi {
  return (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;
}
