/**
 * What the Variables view shows: containers of rows behind DAP's variablesReferences. References are
 * good until the guest runs again; after that an old one is refused instead of meaning something else.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { failure } from './errors.ts';

export interface Row {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  readonly memoryReference?: string;
  /** It lies in memory at memoryReference, and has so many bytes. */
  readonly bytes?: number;
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
}

export interface Container {
  rows(format: ValueFormat): Promise<readonly Row[]>;
}

export class Variables {
  /** Number of the vCPU that references are given for. */
  vcpu = 0;
  private readonly containers = new Map<number, { container: Container; vcpu: number }>();
  private next = 1;

  /** References given so far become invalid; numbers are not used again. */
  reset(): void {
    this.containers.clear();
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

  asVariable(row: Row): DebugProtocol.Variable {
    return {
      name: row.name,
      value: row.value,
      variablesReference: row.children === undefined ? 0 : this.reference(row.children),
      ...(row.type !== undefined && { type: row.type }),
      ...(row.memoryReference !== undefined && { memoryReference: row.memoryReference }),
      ...(row.evaluateName !== undefined && { evaluateName: row.evaluateName }),
      ...(row.write === undefined && { presentationHint: { attributes: ['readOnly'] } }),
    };
  }
}

/** A container whose rows are known already. */
export function fixed(rows: readonly Row[]): Container {
  return { rows: () => Promise.resolve(rows) };
}
