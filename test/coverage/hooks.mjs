/** The module hook of register.mjs: a decoder that notes the rows it returns. */

/** The decoder by itself, or in the bundle of a whole machine (test/guests/whole-machine.ts). */
const DECODER = /\/(emulator\/cpu\/decode\/decoder\.ts|guestscope-machine-\w+\/machine\.mjs)(\?|$)/;
/** How its function begins; a bundle may have given it a number. */
const DECODE = /function (decode\d*)\((bytes\d*,\s*eip,)/;

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!DECODER.test(url) || loaded.source == null) return loaded;
  const source = String(loaded.source);
  const wrapped = source.replace(
    DECODE,
    'function $1(...given) { const found = decodeInner(...given); if (typeof found === "object") globalThis.decodedRows?.add(found.row); return found; }\nfunction decodeInner($2',
  );
  if (wrapped === source) throw new Error('hooks.mjs does not find the decoder');
  return { ...loaded, source: wrapped };
}
