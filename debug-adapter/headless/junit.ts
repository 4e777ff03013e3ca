/**
 * A run as JUnit XML, which CI systems read: one suite, in which the run itself and each expectation is a
 * test case. Its time is the guest's, so that the same run gives the same file.
 */
import type { RunResult } from './run-report.ts';
import { STATUS } from './status.ts';

/** Characters that XML 1.0 does not have, such as those of a terminal's escapes. */
const NO_XML = /[^\P{Cc}\n\t\r]|\p{Cs}|[\ufffe\uffff]/gu;

const ENTITIES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
  '\t': '&#9;',
  '\r': '&#13;',
};

export function junitXml(result: RunResult): string {
  const { name, ending, exitStatus, expectations, time, position, outcome, console } = result;
  const ended = ([STATUS.ok, STATUS.failed] as readonly number[]).includes(exitStatus);
  const cases = [
    testCase(name, 'the run ends as expected', ended ? null : ending),
    ...expectations.map(({ expression, holds, problem }) =>
      testCase(name, expression, holds ? null : (problem ?? 'it does not hold')),
    ),
  ];
  const failures = expectations.filter(({ holds }) => !holds).length + (ended ? 0 : 1);
  const totals = `tests="${cases.length}" failures="${failures}" errors="0" skipped="0" time="${(time / 1e9).toFixed(9)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites ${totals}>
  <testsuite name=${quoted(name)} ${totals}>
    <properties>
      <property name="outcome" value=${quoted(outcome)}/>
      <property name="position" value="${position}"/>
    </properties>
${cases.join('\n')}
    <system-out>${escaped(console.replaceAll('\r', ''), /[&<>]/g)}</system-out>
  </testsuite>
</testsuites>
`;
}

function testCase(suite: string, name: string, problem: string | null): string {
  const head = `    <testcase classname=${quoted(suite)} name=${quoted(name)}`;
  return problem === null
    ? `${head}/>`
    : `${head}><failure message=${quoted(problem)}/></testcase>`;
}

const quoted = (text: string): string => `"${escaped(text, /[&<>"\n\t\r]/g)}"`;

function escaped(text: string, special: RegExp): string {
  return text.replace(NO_XML, '\ufffd').replace(special, (found) => ENTITIES[found] ?? found);
}
