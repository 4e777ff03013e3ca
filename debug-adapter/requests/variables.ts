/** The rows behind a variables reference, and writing one of them. */
import { failure } from '../errors.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { withoutAnnotation } from '../registers.ts';
import type { GuestscopeSession } from '../session.ts';
import type { ValueFormat } from '../variables.ts';

/** Hexadecimal unless the client says otherwise. */
export function valueFormat(request: IncomingRequest): ValueFormat {
  return { hex: request.object('format').boolean('hex', true) };
}

export async function variables(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const store = session.guest.variables;
  const container = store.find(request.integer('variablesReference'));
  // Nothing here is indexed.
  if (request.optionalString('filter') === 'indexed') return { variables: [] };
  const rows = await container.rows(valueFormat(request));
  const start = Math.max(request.integer('start', 0), 0);
  const count = request.integer('count', 0);
  const page = rows.slice(start, count > 0 ? start + count : undefined);
  return { variables: page.map((row) => store.asVariable(row)) };
}

export async function setVariable(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const format = valueFormat(request);
  const container = guest.variables.find(request.integer('variablesReference'));
  const name = request.string('name');
  const row = (await container.rows(format)).find((candidate) => candidate.name === name);
  if (row === undefined)
    throw failure('badArgument', {
      argument: 'name',
      command: request.command,
      problem: `there is no "${name}" here`,
    });
  if (row.write === undefined) throw failure('notWritable', { name, reason: row.readOnly ?? '' });
  await row.write(await guest.evaluateNumber(withoutAnnotation(request.string('value'))));
  request.whenAnswered(() => session.changed());
  const after = (await container.rows(format)).find((candidate) => candidate.name === name);
  const { value, variablesReference, type, memoryReference } = guest.variables.asVariable(
    after ?? row,
  );
  return { value, variablesReference, type, memoryReference };
}
