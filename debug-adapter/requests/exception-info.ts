/** Details of the VM exit or fault at which the guest is stopped. */
import { failure } from '../errors.ts';
import type { GuestscopeSession } from '../session.ts';

export function exceptionInfo(session: GuestscopeSession): Promise<unknown> {
  const { stop } = session.guest;
  return stop?.exception === undefined
    ? Promise.reject(failure('noException', {}))
    : Promise.resolve(stop.exception);
}
