// What a verification of a stub's journal says: text, JSON, JUnit. Used by `swob verify` and by the stubs with --expect.

import { printable } from '../lib/printable.ts';
import { describeExpectation, type Expectation, type Verdict } from '../stubs/expectation.ts';
import type { JournalEntry } from '../stubs/journal.ts';

/** Requests that are listed, and characters of each. */
const maxListed = 20;
const maxLineLength = 300;

/** One line, or several when the expectation is not met: what came instead, and why it does not match. */
export function describeVerdict(expectation: Expectation, { isMet, matched, others }: Verdict): string {
  const received = matched.length + others.length;
  const summary = `expected ${describeExpectation(expectation)}: ${matched.length} of ${received} received`;
  if (isMet) return summary;
  const lines = [
    ...matched.map((entry) => `  matches       ${describeEntry(entry)}`),
    ...others.map(
      ({ entry, unmet }) => `  ${unmet.map(({ text }) => `not ${text}`).join(', ')}: ${describeEntry(entry)}`,
    ),
  ];
  const listed = lines.slice(-maxListed);
  const left = lines.length - listed.length;
  return [summary, ...(left > 0 ? [`  (${left} earlier requests)`] : []), ...listed].join('\n');
}

/** `POST /publish 200 {"MSISDN":…}` */
export function describeEntry({ method, path, query, body, status }: JournalEntry): string {
  const fields = { ...query, ...body };
  const text = `${method} ${path} ${status ?? '(no response)'} ${JSON.stringify(fields)}`;
  return printable(text.length > maxLineLength ? `${text.slice(0, maxLineLength)}…` : text);
}

export function verdictJson(expectation: Expectation, { isMet, matched, others }: Verdict): object {
  return {
    ok: isMet,
    expected: describeExpectation(expectation),
    matched,
    others: others.map(({ entry, unmet }) => ({ ...entry, unmet: unmet.map(({ text }) => text) })),
  };
}

/** A JUnit report with one test case for each expectation, as CI systems read it. */
export function junitReport(
  results: readonly { readonly expectation: Expectation; readonly verdict: Verdict }[],
): string {
  const failures = results.filter(({ verdict }) => !verdict.isMet).length;
  const cases = results.map(({ expectation, verdict }) => {
    const name = `classname="swob verify" name="${escapeXml(describeExpectation(expectation))}"`;
    if (verdict.isMet) return `  <testcase ${name}/>`;
    const [message = '', ...details] = describeVerdict(expectation, verdict).split('\n');
    const failure = `<failure message="${escapeXml(message)}">${escapeXml(details.join('\n'))}</failure>`;
    return `  <testcase ${name}>${failure}</testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="swob verify" tests="${results.length}" failures="${failures}">`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n');
}

/** Characters that XML cannot contain become U+FFFD. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
