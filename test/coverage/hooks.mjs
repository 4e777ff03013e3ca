/** The module hook of register.mjs: a decoder that notes the rows it returns. */
const DECODER = /\/emulator\/cpu\/decode\/decoder\.ts(\?|$)/;

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!DECODER.test(url) || loaded.source == null) return loaded;
  const source = String(loaded.source);
  const wrapped = source.replace(
    /function decode\(/,
    'function decode(...given) { const found = decodeInner(...given); if (typeof found === "object") globalThis.decodedRows?.add(found.row); return found; }\nfunction decodeInner(',
  );
  if (wrapped === source) throw new Error('hooks.mjs does not find the decoder');
  return { ...loaded, source: wrapped };
}
