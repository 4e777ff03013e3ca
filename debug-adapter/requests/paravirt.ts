/**
 * The paravirtual side of a guest: what it has agreed on with its hypervisor, the operations of its kernel's
 * hooks, and pages of the places that perform them.
 */
import type { Detail } from '../../emulator/debugger/views/detail.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { formatReference } from '../display/memory-reference.ts';
import { operationsBody, placesOf, siteBodies } from '../paravirt-hooks/hook-reports.ts';
import type {
  ParavirtDetail,
  ParavirtInterfaceBody,
  ParavirtOperationsBody,
  ParavirtSite,
  ParavirtSitesBody,
} from '../protocol.ts';
import { PARAVIRT_SITES_PER_PAGE } from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';

const DEFAULT_SITES = 100;

export async function paravirtInterface(
  session: GuestscopeSession,
): Promise<ParavirtInterfaceBody> {
  const { configuration, machine } = session.guest;
  const details = await machine.call('inspect', 'kvm', 0);
  return { interface: configuration.hypervisor.interface, details: details.map(detailBody) };
}

function detailBody({ name, value, place, children = [] }: Detail): ParavirtDetail {
  return {
    name,
    value,
    ...(place !== undefined && { memoryReference: formatReference(place) }),
    ...(children.length > 0 && { children: children.map(detailBody) }),
  };
}

export function paravirtOperations(session: GuestscopeSession): Promise<ParavirtOperationsBody> {
  return operationsBody(session.guest.hookView());
}

export async function paravirtSites(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<ParavirtSitesBody> {
  const { guest, abilities } = session;
  const name = request.optionalString('operation');
  const hook = name === undefined ? null : await guest.hooks.named(name);
  const asked = request.integer('limit', DEFAULT_SITES);
  const limit = Math.min(Math.max(asked, 1), PARAVIRT_SITES_PER_PAGE);
  const from = Math.max(request.integer('from', 0), 0);
  const view = guest.hookView();
  const places = await placesOf(view, hook);
  const sites: ParavirtSite[] = [];
  for (const site of await siteBodies(view, places.slice(from, from + limit))) {
    const place = await guest.sources.placeOf(site.address, abilities);
    const source = place === null ? null : { path: place.source.path ?? '', line: place.line };
    sites.push({ ...site, ...(source !== null && { source }) });
  }
  return { sites, total: places.length };
}
