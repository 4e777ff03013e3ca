/**
 * Source lines as the protocol shows them. A file that is not on this computer (a kernel that was built
 * elsewhere) is named in texts but not given as a source, since an editor could not open it.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ClientAbilities } from '../client-abilities.ts';
import type { Files } from '../host/files.ts';
import type { LineIndex } from '../symbols/line-index.ts';
import type { SourceLine } from '../symbols/line-list.ts';
import { nameOf } from '../symbols/source-paths.ts';

/** Where an address is in the sources, as the client counts lines and columns. */
export interface SourcePlace {
  readonly source: DebugProtocol.Source;
  readonly line: number;
  readonly column: number;
}

/** How the client counts. */
type Counting = Pick<ClientAbilities, 'firstLine' | 'firstColumn'>;

export class Sources {
  readonly lines: LineIndex;
  private readonly files: Pick<Files, 'exists'>;
  private readonly found = new Map<string, Promise<boolean>>();

  constructor(lines: LineIndex, files: Pick<Files, 'exists'>) {
    this.lines = lines;
    this.files = files;
  }

  /** Null for code without a line, and for a file that is not here. */
  async placeOf(address: number, counting: Counting): Promise<SourcePlace | null> {
    return this.placeOfLine(this.lines.locate(address), counting);
  }

  /** The same of a line that is known. */
  async placeOfLine(here: SourceLine | null, counting: Counting): Promise<SourcePlace | null> {
    if (here === null || !(await this.isHere(here.path))) return null;
    return {
      source: sourceOf(here.path),
      line: here.line - 1 + counting.firstLine,
      column: Math.max(here.column - 1, 0) + counting.firstColumn,
    };
  }

  private isHere(path: string): Promise<boolean> {
    const known = this.found.get(path) ?? this.files.exists(path);
    this.found.set(path, known);
    return known;
  }
}

export function sourceOf(path: string): DebugProtocol.Source {
  return { name: nameOf(path), path };
}

/** "main.c:938". */
export function lineText({ path, line }: SourceLine): string {
  return `${nameOf(path)}:${line}`;
}
