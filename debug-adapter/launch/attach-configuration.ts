/**
 * What a person writes into launch.json to take over a guest that another client has left at a server
 * (guest-lot.ts), described as the launch configuration is (launch-configuration.ts). How the guest was
 * built stays as it was; what is looked at, and where it stops, is the new client's.
 */
import type { GroupValue, Members, Problems } from './launch-attribute.ts';
import { choice, count, flag, group, nameOrNumber, text } from './launch-attribute.ts';
import type { Reading } from './launch-configuration.ts';
import { belongsToEditor, LAUNCH_MEMBERS } from './launch-configuration.ts';

const ATTACH_MEMBERS = {
  type: LAUNCH_MEMBERS.type,
  request: choice({
    description: 'What to do.',
    default: 'attach',
    values: { attach: 'Take over a guest that waits at a server.' },
  }),
  name: LAUNCH_MEMBERS.name,
  host: text({
    description: 'Where the server is: `adapter --port N` on this computer, or elsewhere.',
    default: '127.0.0.1',
  }),
  port: count({
    description: 'Port of the server.',
    default: 0,
    minimum: 0,
    maximum: 0xffff,
  }),
  guest: nameOrNumber({
    description:
      'Which of the guests that wait there: the `name` of the configuration that it was launched with, or its number. Absent: the only one.',
  }),
  symbols: LAUNCH_MEMBERS.symbols,
  sourceMap: LAUNCH_MEMBERS.sourceMap,
  exitBreakpoints: LAUNCH_MEMBERS.exitBreakpoints,
  breakOn: LAUNCH_MEMBERS.breakOn,
  stopOnEntry: flag({
    description: 'Stop a guest that was left running; one that was left stopped is stopped anyway.',
    default: false,
  }),
  console: LAUNCH_MEMBERS.console,
} satisfies Members;

/** What is taken over, and how; what is absent stays as it was at the launch. */
export const attachDescription = group(ATTACH_MEMBERS, {
  description: 'Takes over a guest.',
  ignored: belongsToEditor,
});
export type AttachConfiguration = GroupValue<typeof ATTACH_MEMBERS>;

/** Validates what the editor sent, as readLaunchConfiguration(). */
export function readAttachConfiguration(value: unknown): Reading<AttachConfiguration> {
  const problems: Problems = [];
  const configuration = attachDescription.read(value, '', problems);
  return problems.length === 0 ? { ok: true, configuration } : { ok: false, problems };
}
