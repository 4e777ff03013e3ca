/**
 * The launch attribute hypervisor.exits: one member for each setting that the emulator knows
 * (emulator/hypervisor/exit-switches.ts), which also says what each may be.
 */
import { EXIT_SWITCHES } from '../../emulator/hypervisor/exit-switches.ts';
import type { ExitSetting } from '../../emulator/hypervisor/setting-kinds.ts';
import { type Attribute, group, wrongValue } from './launch-attribute.ts';

type Settings = { readonly [name: string]: ExitSetting };

/** Absent settings stay absent: the profile decides. */
function member({ kind, description }: (typeof EXIT_SWITCHES)[number]): Attribute<unknown> {
  return {
    required: false,
    remedy: '',
    fallback: undefined,
    read(value, name, problems) {
      if (kind.read(value) !== null) return value;
      problems.push(wrongValue(name, value, kind.expected));
      return undefined;
    },
    schema: () => ({ ...kind.schema, markdownDescription: description }),
  };
}

export function exitSettings(options: { readonly description: string }): Attribute<Settings> {
  const members = EXIT_SWITCHES.map((row) => [row.attribute, member(row)] as const);
  const all = group(Object.fromEntries(members), options);
  const present = (values: { readonly [name: string]: unknown }): Settings =>
    Object.fromEntries(
      Object.entries(values).filter(([, value]) => value !== undefined),
    ) as Settings;
  return {
    required: false,
    remedy: '',
    fallback: {},
    read: (value, name, problems) => present(all.read(value, name, problems)),
    schema: () => ({ ...all.schema(), default: {} }),
  };
}
