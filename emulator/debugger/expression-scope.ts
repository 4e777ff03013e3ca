/**
 * Where the values of an expression come from on this machine, and where an assignment goes: to a
 * register as writing it would, to memory without a trace in the guest's page tables.
 */
import type { MemoryPlace } from '../debug-port.ts';
import { evaluate, integerOf, placeOf, type Scope, type Value } from '../expressions/evaluator.ts';
import { compileExpression, type ExpressionSource, valueOf } from '../expressions/expression.ts';
import { convert, toBytes } from '../expressions/integers.ts';
import type { Names } from '../expressions/resolve.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import { exitValue } from '../hypervisor/describe-exit.ts';
import { exitReason, findExitReason } from '../hypervisor/exit-reasons.ts';
import type { ExitOutcome } from '../hypervisor/exit-outcome.ts';
import type { RecordedExit } from '../hypervisor/vm-exit.ts';
import type { Machine } from '../machine.ts';
import type { DecodedEvent } from './event-decoders.ts';
import { linear } from '../memory/address.ts';
import {
  COUNT_PREFIX,
  EVENT_PREFIX,
  eventNames,
  exitExpressionNames,
  expressionNames,
  PLACE_NAMES,
} from './expression-names.ts';
import type { StoppedEvent } from './event-breakpoints.ts';
import { hypervisorMsr, readAnyMsr, writeAnyMsr } from './hypervisor-msrs.ts';
import { checkedAddress, readMemory, SPACE_SIZE, writeMemory } from './memory.ts';

import { registerValue, writeRegister } from './registers.ts';

/** Where the machine is. */
const PLACE: { readonly [name in (typeof PLACE_NAMES)[number]]: (machine: Machine) => Value } = {
  position: ({ retired }) => integerOf(retired, 64),
  time: ({ now }) => integerOf(now, 64),
  exits: ({ hypervisor }) => integerOf(hypervisor.log.total, 64),
  tsc: ({ cpu }) => {
    const { low, high } = cpu.timestamp();
    return integerOf((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0), 64);
  },
};

/** "exits.CPUID". */
function exitCount({ hypervisor }: Machine, name: string): Value | null {
  const reason = findExitReason(name.slice(COUNT_PREFIX.length));
  return reason === null ? null : integerOf(hypervisor.log.count(reason.number), 64);
}

/** An exit, and what has become of it once it was handled. */
export interface ExitAtHand {
  readonly exit: RecordedExit;
  readonly outcome: ExitOutcome | null;
}

/** What a machine has stopped at, where that has names of its own. */
export interface StopAtHand {
  readonly exit: ExitAtHand | null;
  readonly event: StoppedEvent | null;
}

/** @param exit, event at which the expression is evaluated, if it is one. */
export function expressionScope(
  machine: Machine,
  exit: ExitAtHand | null,
  event: DecodedEvent | null = null,
): Scope {
  const { cpu } = machine;
  return {
    value(name) {
      const ofEvent = event === null ? null : eventValue(event, name);
      if (ofEvent !== null) return integerOf(ofEvent, typeof ofEvent === 'bigint' ? 64 : 32);
      const field = exit === null ? null : exitValue(exit.exit, name, exit.outcome);
      if (field !== null) {
        return field > 0xffffffff ? integerOf(field, 64) : integerOf(field >>> 0, 32);
      }
      const place = PLACE_NAMES.find((each) => each === name);
      if (place !== undefined) return PLACE[place](machine);
      if (name.startsWith(COUNT_PREFIX)) return exitCount(machine, name);
      return registerValue(cpu, name) ?? ofHypervisor(machine, name);
    },
    read(space, address, length) {
      if (address >= SPACE_SIZE[space]) return new Uint8Array(0);
      return readMemory(cpu, space, address, length).bytes;
    },
    translate: (address) => cpu.memory.peek(linear(checkedAddress('linear', address))),
    msr: (index) => readAnyMsr(machine, index),
  };
}

function ofHypervisor(machine: Machine, name: string): Value | null {
  const index = hypervisorMsr(name);
  const value = index === null ? null : readAnyMsr(machine, index);
  return value === null ? null : integerOf(value, 64);
}

/** The value of "event.vector", or null for any other name. */
function eventValue({ fields }: DecodedEvent, name: string): number | bigint | null {
  if (!name.startsWith(EVENT_PREFIX)) return null;
  const field = name.slice(EVENT_PREFIX.length);
  return Object.hasOwn(fields, field) ? fields[field] : null;
}

/** Names for an expression where the machine stands. */
export function namesHere({ exit, event }: StopAtHand): Names {
  if (event !== null) return expressionNames(new Set(), eventNames(event.row));
  if (exit === null) return expressionNames(new Set());
  const when = exit.outcome === null ? 'before' : 'after';
  return exitExpressionNames(exitReason(exit.exit.reason), when);
}
export function scopeHere(machine: Machine, { exit, event }: StopAtHand): Scope {
  return expressionScope(machine, exit, event?.decoded ?? null);
}

/** Value of an expression where the machine stands; throws ExpressionError. */
export function evaluateHere(machine: Machine, at: StopAtHand, source: ExpressionSource): Value {
  return valueOf(source, namesHere(at), scopeHere(machine, at));
}

/** Where what an expression names lies; null for what is no place in memory. Throws ExpressionError. */
export function placeHere(
  machine: Machine,
  at: StopAtHand,
  source: ExpressionSource,
): MemoryPlace | null {
  const { syntax } = compileExpression(source, namesHere(at));
  const place = placeOf(syntax, scopeHere(machine, at));
  if (place === null) return null;
  return { space: place.space, address: place.address, length: place.type.bits / 8 };
}

/** Stores a value in a register or in memory; throws ExpressionError, and RangeError as writeRegister. */
export function assignHere(
  machine: Machine,
  at: StopAtHand,
  target: ExpressionSource,
  source: ExpressionSource,
): void {
  const { cpu } = machine;
  const names = namesHere(at);
  const scope = scopeHere(machine, at);
  const { syntax } = compileExpression(target, names);
  const value = evaluate(compileExpression(source, names).syntax, scope);
  if (value.kind === 'string') {
    throw new ExpressionError('A string cannot be assigned.', syntax.at);
  }
  if (syntax.kind === 'name') {
    const index = hypervisorMsr(syntax.name);
    if (index === null || value.kind !== 'integer') writeRegister(cpu, syntax.name, value.value);
    else writeAnyMsr(machine, index, value.value);
    return;
  }
  if (syntax.kind === 'call' && syntax.name === 'msr' && value.kind === 'integer') {
    const [number] = syntax.operands;
    const index = evaluate(number, scope);
    if (index.kind === 'integer') {
      writeAnyMsr(machine, Number(BigInt.asUintN(32, index.value)), value.value);
      return;
    }
  }
  const place = placeOf(syntax, scope);
  if (place === null) {
    throw new ExpressionError('Only registers and memory can be assigned to.', syntax.at);
  }
  if (value.kind === 'real') {
    throw new ExpressionError('Memory takes integers; cast the value.', syntax.at);
  }
  const bytes = toBytes(convert(value.value, place.type));
  if (writeMemory(cpu, place.space, place.address, bytes) < bytes.length) {
    throw new ExpressionError(
      `There is no writable memory at ${place.space} address 0x${place.address.toString(16)}.`,
      syntax.at,
    );
  }
}
