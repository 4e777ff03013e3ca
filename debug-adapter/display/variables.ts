/**
 * What the Variables view shows: containers of rows behind DAP's variablesReferences. References are
 * good until the guest runs again; after that an old one is refused instead of meaning something else.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { MemoryPlace } from '../../emulator/debug-port.ts';
import { failure } from '../errors.ts';
import type { SourceLine } from '../symbols/line-list.ts';

export interface Row {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  readonly memoryReference?: string;
  /** Where it lies, if that can be watched; memoryReference may be what it points to instead. */
  readonly place?: MemoryPlace;
  /** Reference of where it is declared. */
  readonly declared?: number;
  /** Expression that gives the value, for "Add to Watch". */
  readonly evaluateName?: string;
  readonly children?: Container;
  /** Absent: read-only. Throws the machine's refusal. */
  write?(value: number | bigint): Promise<void>;
  /** Why it cannot be written, as an end of a sentence beginning with ": ". */
  readonly readOnly?: string;
}

/** How numbers are to be shown. */
export interface ValueFormat {
  readonly hex: boolean;
  /** The client has said so; else values are shown as is usual for what they are. */
  readonly isAsked?: boolean;
}

/** How DAP refers to what is below a value. */
type Below = Pick<
  DebugProtocol.Variable,
  'variablesReference' | 'indexedVariables' | 'namedVariables'
>;

export interface Container {
  /** Number of its rows, if they are entries of a table: a client may ask for them in pages. */
  indexed?(): Promise<number>;
  /** Number of its rows, if that is known already and they are no entries of a table. */
  readonly named?: number;
  rows(format: ValueFormat): Promise<readonly Row[]>;
  /** Some of the rows, where all of them may be too many. */
  page?(start: number, count: number, format: ValueFormat): Promise<readonly Row[]>;
}

/** A client that can page is told how many rows there are of more than so many. */
const MANY = 30;

export class Variables {
  /** Number of the vCPU that references are given for. */
  vcpu = 0;
  /** The client asks for entries of tables in pages when it is told how many there are. */
  paging = false;
  private readonly containers = new Map<number, { container: Container; vcpu: number }>();
  private next = 1;
  /** Where variables are declared, by the references that clients have got for it. */
  private readonly declarations = new Map<number, SourceLine>();

  /** References given so far become invalid; numbers are not used again. */
  reset(): void {
    this.containers.clear();
    this.declarations.clear();
  }

  /** A reference for `locations`. */
  declared(line: SourceLine): number {
    const reference = this.next++;
    this.declarations.set(reference, line);
    return reference;
  }

  /** Throws the numbered error for a stale reference. */
  declaration(reference: number): SourceLine {
    const found = this.declarations.get(reference);
    if (found !== undefined) return found;
    throw failure('staleReference', { kind: 'location', reference: String(reference) });
  }

  reference(container: Container): number {
    const reference = this.next++;
    this.containers.set(reference, { container, vcpu: this.vcpu });
    return reference;
  }

  /** Throws the numbered error for a stale reference. */
  find(reference: number): Container {
    const found = this.containers.get(reference);
    if (found === undefined)
      throw failure('staleReference', { kind: 'variable', reference: String(reference) });
    return found.container;
  }

  /** Null for a stale reference. */
  vcpuOf(reference: number): number | null {
    return this.containers.get(reference)?.vcpu ?? null;
  }

  /** The members by which DAP refers to what is below a value. */
  async below(container: Container | undefined): Promise<Below> {
    if (container === undefined) return { variablesReference: 0 };
    const variablesReference = this.reference(container);
    if (!this.paging) return { variablesReference };
    const { named = 0 } = container;
    const indexedVariables = await container.indexed?.();
    return {
      variablesReference,
      ...(indexedVariables !== undefined && { indexedVariables }),
      ...(named > MANY && { namedVariables: named }),
    };
  }

  async asVariable(row: Row): Promise<DebugProtocol.Variable> {
    return {
      name: row.name,
      value: row.value,
      ...(await this.below(row.children)),
      ...(row.type !== undefined && { type: row.type }),
      ...(row.memoryReference !== undefined && { memoryReference: row.memoryReference }),
      ...(row.evaluateName !== undefined && { evaluateName: row.evaluateName }),
      ...(row.declared !== undefined && { declarationLocationReference: row.declared }),
      ...(row.write === undefined && { presentationHint: { attributes: ['readOnly'] } }),
    };
  }
}

/** A container whose rows are known already; @param isTable they are entries of a table. */
export function fixed(rows: readonly Row[], isTable = false): Container {
  return {
    ...(isTable ? { indexed: () => Promise.resolve(rows.length) } : { named: rows.length }),
    rows: () => Promise.resolve(rows),
  };
}
