/**
 * How often a second a breakpoint is met whose condition does not hold: conditions are evaluated where the
 * machine runs, and nothing is told to anybody. The guest is the debugger's timer storm.
 */
import type { DebugPort } from '../../../emulator/debug-port.ts';
import { STORM_GUEST } from '../../../emulator/debugger/testing/storm-guest.ts';
import { protectedGuest, type TestGuest } from '../../../emulator/debugger/testing/test-guest.ts';
import type { ConditionFigures } from './figures.ts';

/** Processor time spent on each, s. */
const LONG_ENOUGH = 1;
const SLICE = 100_000;
const NEVER = { id: 1, condition: 'ecx == 0xffffffff' };
const TICKS = 0x80000;

export function measureConditions(): ConditionFigures {
  const ticks = (guest: TestGuest): number => guest.register(`dword[${TICKS}]`);
  return {
    instruction: hits(
      (port) => port.setInstructionBreakpoints([{ ...NEVER, address: STORM_GUEST.at('wait') }]),
      // two instructions a round
      ({ retired }) => retired / 2,
    ),
    exit: hits(
      (port) => port.setExitBreakpoints([{ ...NEVER, reason: '*' }]),
      ({ port }) => port.position().exits,
    ),
    data: hits((port) => {
      const place = { space: 'linear', address: TICKS, length: 4, access: 'write' } as const;
      port.setDataBreakpoints([{ ...NEVER, ...place }]);
    }, ticks),
    event: hits((port) => port.setEventBreakpoints([{ ...NEVER, event: 'interrupt' }]), ticks),
  };
}

/** Hits a second of processor time. @param count of those since power-on */
function hits(arm: (port: DebugPort) => void, count: (guest: TestGuest) => number): number {
  const guest = protectedGuest(STORM_GUEST, { interface: 'kvm' });
  guest.runTo('loop');
  arm(guest.port);
  const before = count(guest);
  const start = process.cpuUsage();
  guest.port.resume({ kind: 'continue' });
  for (;;) {
    const { kind } = guest.port.run(SLICE);
    if (kind !== 'budget') throw new Error(`${kind} while conditions were measured`);
    const { user, system } = process.cpuUsage(start);
    const seconds = (user + system) / 1e6;
    if (seconds >= LONG_ENOUGH) return (count(guest) - before) / seconds;
  }
}
