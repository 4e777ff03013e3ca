/** Files of symbols as modules of the protocol: where they are in the guest, and what is known of them. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { formatAddress } from '../display/memory-reference.ts';
import type { GuestSymbols } from '../symbols/symbol-files.ts';
import type { SymbolModule } from '../symbols/symbol-module.ts';

export function symbolModule(files: GuestSymbols, module: SymbolModule): DebugProtocol.Module {
  const { path, name, image } = module;
  const range = rangeOf(module);
  return {
    id: `symbols[${files.modules.indexOf(module)}]`,
    name,
    path,
    symbolStatus: statusOf(module),
    symbolFilePath: path,
    ...(image.buildId !== null && { version: `build ID ${image.buildId}` }),
    ...(range !== null && { addressRange: range }),
  };
}

function statusOf({ isWaiting, problem, image }: SymbolModule): string {
  if (!image.isPlaced) return 'Not loaded by the guest';
  if (!image.isHere) return `Of another address space: ${image.space?.when ?? ''} does not hold`;
  if (isWaiting) return 'Symbols loaded, reading debugging information';
  if (problem !== null) return `Symbols loaded, without debugging information: ${problem}`;
  return image.space === null ? 'Symbols loaded' : 'Symbols loaded, of the current address space';
}

/** Linear addresses, as far as they are known: of an object file, of each of its sections. */
function rangeOf({ image, file }: SymbolModule): string | null {
  const range = (address: number, size: number): string =>
    `${formatAddress(address)}-${formatAddress((address + size) >>> 0)}`;
  if (image.isObject)
    return image.isPlaced
      ? image.places.map(({ name, address, size }) => `${name} ${range(address, size)}`).join(', ')
      : null;
  const extent = file?.extent ?? null;
  const start = extent && image.toGuest(extent.address);
  return extent === null || start === null ? null : range(start, extent.size);
}
