/** Paravirt hooks of the guest's kernel: the operations, and pages of the places that perform them. */
import type { IncomingRequest } from '../incoming-request.ts';
import { operationsBody, placesOf, siteBodies } from '../paravirt-hooks/hook-reports.ts';
import type { ParavirtOperationsBody, ParavirtSitesBody } from '../protocol.ts';
import { PARAVIRT_SITES_PER_PAGE } from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';

const DEFAULT_SITES = 100;

export function paravirtOperations(session: GuestscopeSession): Promise<ParavirtOperationsBody> {
  return operationsBody(session.guest.hookView());
}

export async function paravirtSites(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<ParavirtSitesBody> {
  const { guest } = session;
  const name = request.optionalString('operation');
  const hook = name === undefined ? null : await guest.hooks.named(name);
  const asked = request.integer('limit', DEFAULT_SITES);
  const limit = Math.min(Math.max(asked, 1), PARAVIRT_SITES_PER_PAGE);
  const from = Math.max(request.integer('from', 0), 0);
  const view = guest.hookView();
  const places = await placesOf(view, hook);
  return { sites: await siteBodies(view, places.slice(from, from + limit)), total: places.length };
}
