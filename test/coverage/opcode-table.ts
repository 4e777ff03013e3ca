/**
 * The coverage table: every row of the opcode tables, what it needs, how it is implemented and what tests
 * it, as Markdown; then the known departures from hardware. All of it is derived.
 */
import { CPU_MODEL_NAMES, cpuModel } from '../../emulator/cpu/cpu-model.ts';
import { opcodeForms, type OpcodeForm } from '../../emulator/cpu/decode/opcode-map.ts';
import { DEPARTURES } from '../../emulator/cpu/departures.ts';
import { TYPESCRIPT_INSTRUCTIONS } from '../../emulator/cpu/instructions/typescript-instructions.ts';
import { EMITTED } from '../../emulator/cpu/translate/handlers.ts';
import { LEFT_OUT } from '../vectors/forms/forms.ts';
import { type Cases, nativeCases, systemTests } from './evidence.ts';
import { nameOf } from './rows.ts';

const TESTS_SHOWN = 3;
const models = CPU_MODEL_NAMES.map(cpuModel).filter((model) => model !== null);

/** Sections in the order of the manual. */
const SECTIONS = [
  { title: 'One-byte opcodes', has: ({ opcode }) => opcode <= 0xff && !isX87(opcode) },
  {
    title: 'Two-byte opcodes',
    has: (form) => form.opcode > 0xff && !isSimd(form) && !isLater(form),
  },
  { title: 'x87', has: ({ opcode }) => isX87(opcode) },
  { title: 'MMX, SSE, SSE2, SSE3', has: isSimd },
  { title: 'Younger than the models', has: (form) => isLater(form) && form.opcode > 0xff },
] as const satisfies readonly {
  readonly title: string;
  readonly has: (form: OpcodeForm) => boolean;
}[];

const SIMD: ReadonlySet<string> = new Set(['mmx', 'sse', 'sse2', 'sse3', 'fxsr', 'clflush']);
const OURS: ReadonlySet<string> = new Set([...SIMD, 'fpu', 'cx8', 'cmov', 'msr', 'tsc', 'sep', 'monitor', 'vmx', 'svm']); // prettier-ignore

function isX87(opcode: number): boolean {
  return opcode >= 0xd8 && opcode <= 0xdf;
}
function isSimd({ row, opcode }: OpcodeForm): boolean {
  return SIMD.has(row.feature ?? '') && opcode > 0xff;
}
function isLater({ row }: OpcodeForm): boolean {
  return row.feature !== undefined && !OURS.has(row.feature);
}

/** Forms that differ in a register's number alone. */
interface Line {
  readonly forms: readonly OpcodeForm[];
  readonly form: OpcodeForm;
}

function linesOf(forms: readonly OpcodeForm[]): Line[] {
  const found: { form: OpcodeForm; forms: OpcodeForm[] }[] = [];
  for (const form of forms) {
    const last = found.at(-1);
    const same = last !== undefined && isNext(last.forms.at(-1) ?? last.form, form);
    if (same) last.forms.push(form);
    else found.push({ form, forms: [form] });
  }
  return found;
}
function isNext(a: OpcodeForm, b: OpcodeForm): boolean {
  if (nameOf(a) !== nameOf(b) || a.prefix !== b.prefix || a.digit >= 0) return false;
  if (a.modrm >= 0) return a.opcode === b.opcode && b.modrm === a.modrm + 1;
  return /Z/.test(a.row.operands) && b.opcode === a.opcode + 1;
}

function encodingOf({ forms, form }: Line): string {
  const last = forms.at(-1);
  return forms.length === 1 || last === undefined
    ? form.encoding
    : `${form.encoding} … ${last.encoding}`;
}

/** Feature and the models that have it, privilege. */
function needs({ row }: OpcodeForm): string {
  const parts: string[] = [];
  if (row.feature !== undefined) {
    const having = models.filter(({ features }) => features.has(row.feature ?? ''));
    const names = having.length === models.length ? '' : having.length === 0 ? ' (no model)' : ` (${having.map(({ name }) => name).join(', ')})`; // prettier-ignore
    parts.push(`${row.feature}${names}`);
  }
  if (row.privilege === 0) parts.push('CPL 0');
  return parts.join('; ');
}

/** How the row is implemented, in a word. */
function implemented({ row }: OpcodeForm): string {
  const { meaning, feature } = row;
  const offered = feature === undefined || models.some(({ features }) => features.has(feature));
  if (meaning === null) return offered ? 'not yet: stops the guest' : '#UD';
  const known = EMITTED[meaning] !== undefined || TYPESCRIPT_INSTRUCTIONS[meaning] !== undefined;
  if (!known) return 'not yet: stops the guest';
  if (!offered) return '#UD';
  return EMITTED[meaning] === undefined ? 'TypeScript' : 'emitted';
}

function casesOf({ forms }: Line, cases: Cases): number {
  return forms.reduce((sum, { row }) => sum + (cases.get(row) ?? 0), 0);
}

/** Links to the first few test files. */
function testsOf({ form }: Line, tests: ReadonlyMap<string, readonly string[]>): string {
  const files = tests.get(nameOf(form)) ?? [];
  const names = files
    .slice(0, TESTS_SHOWN)
    .map((path) => `\`${path.replace('emulator/cpu/', '')}\``);
  const more = files.length > TESTS_SHOWN ? `, ${files.length - TESTS_SHOWN} more` : '';
  const reason = LEFT_OUT[form.row.mnemonic];
  const why = reason === undefined ? '' : `not natively: ${reason}`;
  return [names.join(', ') + more, why].filter((text) => text !== '').join('; ');
}

/** The whole document. */
export function coverageDocument(): string {
  const cases = nativeCases();
  const tests = systemTests();
  const sections = SECTIONS.map(({ title, has }) => ({
    title,
    lines: linesOf(opcodeForms.filter(has)),
  }));
  const summary = sections.map(({ title, lines }) => {
    const done = lines.filter(({ form }) => ['emitted', 'TypeScript'].includes(implemented(form)));
    const natively = lines.filter((line) => casesOf(line, cases) > 0);
    const count = lines.reduce((sum, line) => sum + casesOf(line, cases), 0);
    return `| ${title} | ${lines.length} | ${done.length} | ${natively.length} | ${count} |`;
  });
  const tables = sections.flatMap(({ title, lines }) => [
    `## ${title}`,
    '',
    '| opcode | instruction | needs | implemented | native cases | other tests |',
    '| --- | --- | --- | --- | --: | --- |',
    ...lines.map((line) => `| \`${encodingOf(line)}\` | \`${nameOf(line.form)}\` | ${needs(line.form)} | ${implemented(line.form)} | ${casesOf(line, cases) || ''} | ${testsOf(line, tests)} |`), // prettier-ignore
    '',
  ]);
  const departures = DEPARTURES.map(({ subject, manual, hardware, here, reason }) => `| ${subject} | ${manual} | ${hardware} | ${here} | ${reason} |`); // prettier-ignore
  return [
    '# Every instruction: implemented how, tested by what',
    '',
    'Generated by `npm run generate` from the opcode tables (`decode/`), the vector files (`test/vectors`) and `test/coverage/executed.json`; a test proves that it is current. Do not edit.',
    '',
    '- **needs**: the CPUID feature without which the row raises #UD, with the processor models that have it where not all do.',
    '- **implemented**: *emitted* WebAssembly, *TypeScript*, or *#UD* where no model offers the feature.',
    '- **native cases**: cases in the vector files whose expected values were made by executing the instruction on a processor, at CPL 3. An instruction of the system has them for what a program sees of it.',
    '- **other tests**: test files that bring an instruction of the system before the decoder (recorded). The fuzzer (`test/fuzz`) executes every row in every mode.',
    '',
    '| | rows | implemented | with native cases | native cases |',
    '| --- | --: | --: | --: | --: |',
    ...summary,
    '',
    'The same generator as that of the sample makes as many cases as one likes: `npx tsx test/vectors/forms/main.ts compare 2000000`.',
    '',
    ...tables,
    '## Known departures from hardware',
    '',
    'Data in `departures.ts`.',
    '',
    '| subject | SDM | processors | here | why |',
    '| --- | --- | --- | --- | --- |',
    ...departures,
    '',
  ].join('\n');
}
