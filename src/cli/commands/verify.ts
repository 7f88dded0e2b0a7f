// `swob verify`: checks what a stub has received.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { messageOf, SwobError } from '../../errors.ts';
import {
  atLeastOnce,
  type Condition,
  type Expectation,
  parseCondition,
  parseTimes,
  type Times,
} from '../../stubs/expectation.ts';
import { createHttpClient } from '../client/http-client.ts';
import { clearJournal, maxJournalBytes, readJournal } from '../client/stub-journal.ts';
import type { Context } from '../context.ts';
import { parseDurationOption } from '../input/token-key.ts';
import { checkWritable, writeFileAtomic } from '../ready-file.ts';
import { describeVerdict, junitReport, verdictJson } from '../verdict-report.ts';
import { waitForVerdict } from '../wait-for-verdict.ts';

interface Options {
  readonly received?: readonly Condition[];
  readonly times?: Times;
  /** Milliseconds. */
  readonly within?: number;
  readonly junit?: string;
  readonly reset?: boolean;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<url>', 'URL of the stub', parseUrl)
    .addOption(
      new Option(
        '--received <condition>',
        'field=text, field!=text, field~=pattern or field!~=pattern; repeatable: all must hold',
      ).argParser(collectConditions),
    )
    .addOption(
      new Option(
        '--times <number>',
        'requests that match: 2, >=2, <=2 or 1-3 (default: at least 1)',
      ).argParser(usage(parseTimes)),
    )
    .option(
      '--within <duration>',
      'wait so long for the expectation to be met (default: do not wait)',
      parseDurationOption,
    )
    .option('--junit <file>', 'write the result as a JUnit report')
    .option('--reset', 'clear the journal afterwards; alone, only clear it')
    .addHelpText(
      'after',
      `
Fields are the members of a JSON body, the parameters of a query, and method, path and status; the journal is at
GET <url>/__journal. Exits with 1 when the expectation is not met, and lists what came instead. --within ends as soon as
enough requests match; only --times 0 and <=n wait for all of it.

Example:
  swob verify http://127.0.0.1:9200 --received 'message~=Hello' --times 1 --within 5s`,
    )
    .action((url: string, options: Options) => run(context, url, options));
}

async function run(context: Context, url: string, options: Options): Promise<void> {
  const { printer } = context;
  const { received, times, junit, reset = false } = options;
  if (junit !== undefined) await checkWritable(junit, 'UNAVAILABLE');
  const isResetAlone = reset && received === undefined && times === undefined;
  const expectation: Expectation = { received: received ?? [], times: times ?? atLeastOnce };
  const verdict = await context.interruptible(async (signal) => {
    const http = createHttpClient({
      baseUrl: url,
      signal,
      maxBytes: maxJournalBytes,
      name: 'stub',
      urlFrom: '<url>',
      startedBy: 'swob stub',
    });
    const result = isResetAlone
      ? undefined
      : await waitForVerdict(() => readJournal(http), expectation, {
          clock: context.io.clock,
          withinMs: options.within ?? 0,
          signal,
        });
    if (reset) await clearJournal(http);
    return result;
  });
  if (!verdict) return;
  if (junit !== undefined) await writeFileAtomic(junit, junitReport([{ expectation, verdict }]), 0o644);
  if (printer.json) printer.value(verdictJson(expectation, verdict));
  if (!verdict.isMet) throw new SwobError('REFUSED', describeVerdict(expectation, verdict));
  if (!printer.json) printer.line(describeVerdict(expectation, verdict));
}

function parseUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('Expected the http URL of a stub.');
}

function collectConditions(text: string, earlier: readonly Condition[] = []): readonly Condition[] {
  return [...earlier, usage(parseCondition)(text)];
}

/** The same parser, with its error as one of the command line. */
function usage<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(`${messageOf(error)}.`);
    }
  };
}
