/** The rows behind a variables reference, and writing one of them. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { failure } from '../errors.ts';
import type { Guest } from '../guest.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { withoutAnnotation } from '../display/registers.ts';
import type { GuestscopeSession } from '../session.ts';
import type { Container, Row, ValueFormat } from '../display/variables.ts';

/** Hexadecimal unless the client says otherwise. */
export function valueFormat(request: IncomingRequest): ValueFormat {
  const format = request.object('format');
  return { hex: format.boolean('hex', true), isAsked: format.has('hex') };
}

/** A row of a container by its name; of a table with pages, without all the others. */
export async function rowNamed(
  container: Container,
  name: string,
  format: ValueFormat,
): Promise<Row | undefined> {
  const index = /^\[(\d+)\]$/.exec(name)?.[1];
  const rows =
    index !== undefined && container.page !== undefined
      ? await container.page(Number(index), 1, format)
      : await container.rows(format);
  return rows.find((candidate) => candidate.name === name);
}

export async function variables(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const store = session.guest.variables;
  const container = store.find(request.integer('variablesReference'));
  const filter = request.optionalString('filter');
  const kind = container.indexed === undefined ? 'named' : 'indexed';
  if (filter !== undefined && filter !== kind) return { variables: [] };
  const page = await rowsAsked(container, request, store.paging);
  const variables: DebugProtocol.Variable[] = [];
  for (const row of page) variables.push(await store.asVariable(row));
  return { variables };
}

/** A count of 0, or none, is for all from the start on. */
async function rowsAsked(
  container: Container,
  request: IncomingRequest,
  paging: boolean,
): Promise<readonly Row[]> {
  const format = valueFormat(request);
  if (!paging) return container.rows(format);
  const start = Math.max(request.integer('start', 0), 0);
  const asked = request.integer('count', 0);
  const count = asked > 0 ? asked : Infinity;
  if (container.page !== undefined) return container.page(start, count, format);
  return (await container.rows(format)).slice(start, start + count);
}

/** Where a variable is declared. */
export async function locations(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<DebugProtocol.LocationsResponse['body']> {
  const { guest, abilities } = session;
  const line = guest.variables.declaration(request.integer('locationReference'));
  const place = await guest.sources.placeOfLine(line, abilities);
  if (place === null) throw failure('noSource', {});
  return place;
}

export async function setVariable(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const format = valueFormat(request);
  const container = guest.variables.find(request.integer('variablesReference'));
  const name = request.string('name');
  const row = await rowNamed(container, name, format);
  if (row === undefined)
    throw failure('badArgument', {
      argument: 'name',
      command: request.command,
      problem: `there is no "${name}" here`,
    });
  if (row.write === undefined) throw failure('notWritable', { name, reason: row.readOnly ?? '' });
  await row.write(await valueToStore(guest, withoutAnnotation(request.string('value'))));
  request.whenAnswered(() => session.changed());
  const after = await rowNamed(container, name, format);
  const { value, variablesReference, indexedVariables, namedVariables, type, memoryReference } =
    await guest.variables.asVariable(after ?? row);
  return { value, variablesReference, indexedVariables, namedVariables, type, memoryReference };
}

/** A number of any size; floating-point registers take the values that C calls inf and nan, too. */
async function valueToStore(guest: Guest, text: string): Promise<number | bigint> {
  const [, minus, special] = /^\s*([-+]?)\s*(inf|nan)\w*\s*$/i.exec(text) ?? [];
  if (special !== undefined) {
    const value = special.toLowerCase() === 'nan' ? NaN : Infinity;
    return minus === '-' ? -value : value;
  }
  const value = await guest.evaluate(text);
  if (value.kind === 'real') return value.value;
  if (value.kind === 'integer') {
    const isSafe = BigInt.asIntN(53, value.value) === value.value;
    return isSafe ? Number(value.value) : value.value;
  }
  throw failure('expressionRefused', { problem: `A number is needed, and '${text}' is a string.` });
}
