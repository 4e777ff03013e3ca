/**
 * The arguments of a request, read with care: they come from any client, so every one is checked and a
 * wrong one becomes a numbered error that names it.
 */
import type { AdapterError } from './errors.ts';
import { failure } from './errors.ts';
import type { MemoryReference } from './display/memory-reference.ts';
import { parseReference } from './display/memory-reference.ts';
import type { Progress } from './progress.ts';

type JsonObject = { readonly [name: string]: unknown };

function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : null;
}

export class RequestArguments {
  readonly command: string;
  /** As they came; for launch, whose configuration is validated elsewhere. */
  readonly raw: unknown;
  private readonly values: JsonObject;

  constructor(command: string, raw: unknown) {
    this.command = command;
    this.raw = raw;
    this.values = asObject(raw) ?? {};
  }

  has(name: string): boolean {
    return this.values[name] !== undefined && this.values[name] !== null;
  }

  isNumber(name: string): boolean {
    return typeof this.values[name] === 'number';
  }
  isTrue(name: string): boolean {
    return this.values[name] === true;
  }
  isFalse(name: string): boolean {
    return this.values[name] === false;
  }

  string(name: string): string {
    const value = this.values[name];
    if (typeof value !== 'string') throw this.wrong(name, 'it must be a string');
    return value;
  }
  optionalString(name: string): string | undefined {
    return this.has(name) ? this.string(name) : undefined;
  }

  /** A safe integer; `fallback` when absent. */
  integer(name: string, fallback?: number): number {
    if (fallback !== undefined && !this.has(name)) return fallback;
    const value = this.values[name];
    if (!Number.isSafeInteger(value)) throw this.wrong(name, 'it must be an integer');
    return value as number;
  }

  boolean(name: string, fallback: boolean): boolean {
    if (!this.has(name)) return fallback;
    const value = this.values[name];
    if (typeof value !== 'boolean') throw this.wrong(name, 'it must be true or false');
    return value;
  }

  reference(name: string): MemoryReference {
    return parseReference(this.string(name));
  }

  /** A list of objects, each with this reader; empty when absent. At most `limit` of them. */
  list(name: string, limit = 10_000): readonly RequestArguments[] {
    if (!this.has(name)) return [];
    const value = this.values[name];
    if (!Array.isArray(value)) throw this.wrong(name, 'it must be a list');
    if (value.length > limit) throw this.wrong(name, `it must have at most ${limit} entries`);
    return value.map((item: unknown, index) => {
      if (asObject(item) === null) throw this.wrong(`${name}[${index}]`, 'it must be an object');
      return new RequestArguments(this.command, item);
    });
  }

  /** A list of strings; empty when absent. */
  strings(name: string): readonly string[] {
    if (!this.has(name)) return [];
    const value = this.values[name];
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
      throw this.wrong(name, 'it must be a list of strings');
    return value;
  }

  /** A nested object; empty when absent. */
  object(name: string): RequestArguments {
    if (this.has(name) && asObject(this.values[name]) === null)
      throw this.wrong(name, 'it must be an object');
    return new RequestArguments(this.command, this.values[name]);
  }

  private wrong(argument: string, problem: string): AdapterError {
    return failure('badArgument', { argument, command: this.command, problem });
  }
}

/** A request that is being answered. */
export class IncomingRequest extends RequestArguments {
  /** For what takes long: tells the client, and knows when it is taken back. */
  readonly progress: Progress;
  readonly afterwards: (() => Promise<void>)[] = [];

  constructor(command: string, raw: unknown, progress: Progress) {
    super(command, raw);
    this.progress = progress;
  }

  /** Runs the action once the response has been sent; not if the request fails. */
  whenAnswered(action: () => Promise<void> | void): void {
    this.afterwards.push(async () => action());
  }
}
