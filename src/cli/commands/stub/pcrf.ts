// `swob stub pcrf`: runs a stub of the PCRF.

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { WifiSession } from '../../../domain/wifi/model.ts';
import { startPcrfStub } from '../../../stubs/pcrf.ts';
import { type PcrfMode, pcrfModes } from '../../../stubs/pcrf-modes.ts';
import type { Context } from '../../context.ts';
import { parseMilliseconds } from '../../input/option-parsers.ts';
import { addStubOptions, type StubOptions, stubOptionsHelp } from '../../input/stub-options.ts';
import { runStub } from '../../run-stub.ts';

interface Options extends StubOptions {
  readonly session?: readonly WifiSession[];
  readonly mode: PcrfMode;
  readonly ms: number;
}

export function define(command: Command, context: Context): void {
  addStubOptions(command, 7070)
    .option(
      '--session <id:nas:vrf:mac>',
      'existing session; repeatable (default: every request succeeds)',
      collectSessions,
    )
    .addOption(new Option('--mode <mode>', 'response mode').choices(pcrfModes).default('normal'))
    .option('--ms <ms>', 'delay of mode slow, in milliseconds', parseMilliseconds, 1_000)
    .addHelpText(
      'after',
      '\nRuns until a signal (exit 130, 143). Inspect it with GET and DELETE /__requests and GET /__sessions, and' +
        '\nchange it with POST /__behaviour {"mode": …, "count"?: …, "ms"?: …}.' +
        '\nGET /account/session?session=<id> finds a session, or answers 404 when it has ended.' +
        stubOptionsHelp +
        '\n\nExample:\n  swob stub pcrf --session 5692549928996307964:100.112.0.1:1:FC-45-96-5F-50-AC',
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { mode, ms, session: sessions = [] } = options;
  const { clock } = context.io;
  await runStub(context, 'PCRF', options, pcrfModes, (given) =>
    startPcrfStub({ ...given, mode, ms, sessions, clock }),
  );
}

/** The MAC address may contain colons: it is everything after the third colon. */
function collectSessions(text: string, earlier: readonly WifiSession[] = []): readonly WifiSession[] {
  const [, sessionId = '', nasIp = '', vrf = '', clientMac = ''] =
    /^([^:]+):([^:]+):([^:]*):(.+)$/.exec(text) ?? [];
  if (clientMac === '') throw new InvalidArgumentError('Expected id:nas:vrf:mac.');
  if (earlier.some((session) => session.sessionId === sessionId)) {
    throw new InvalidArgumentError(`Session ${sessionId} is given twice.`);
  }
  return [...earlier, { sessionId, nasIp, vrf, clientMac }];
}
