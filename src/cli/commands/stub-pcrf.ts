// `swob stub pcrf`: stands in for the PCRF, for tests and for trying things out.

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { WifiSession } from '../../domain/model.ts';
import { startPcrfStub } from '../../stubs/pcrf.ts';
import { type PcrfMode, pcrfModes } from '../../stubs/pcrf-modes.ts';
import { milliseconds, port } from '../arguments.ts';
import type { Context } from '../context.ts';
import { prepareReadyFile } from '../ready-file.ts';
import { runStub } from '../stub.ts';

interface Options {
  readonly session: readonly WifiSession[];
  readonly host: string;
  readonly port: number;
  readonly mode: PcrfMode;
  readonly ms: number;
  readonly readyFile?: string;
}

export function define(command: Command, context: Context): void {
  command
    .option(
      '--session <id:nas:vrf:mac>',
      'a session that there is; repeatable; without it every request succeeds',
      collect,
      [],
    )
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', port, 7070)
    .addOption(new Option('--mode <mode>', 'how it answers').choices(pcrfModes).default('normal'))
    .option('--ms <ms>', 'milliseconds of mode slow', milliseconds, 1_000)
    .option('--ready-file <file>', 'written once it listens: {"url": …}; removed at the end')
    .addHelpText(
      'after',
      '\nRuns until a signal (exit 130, 143). GET and DELETE /__requests, GET /__sessions and' +
        '\nPOST /__behaviour {"mode": …, "count"?: …, "ms"?: …} look into it and change it.' +
        '\n\nExample:\n  swob stub pcrf --session 5692549928996307964:100.112.0.1:1:FC-45-96-5F-50-AC',
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { host, port, mode, ms, session: sessions } = options;
  const { clock } = context.io;
  const ready = await prepareReadyFile(options.readyFile);
  await runStub(context, 'PCRF', ready, () => startPcrfStub({ host, port, mode, ms, sessions, clock }));
}

/** A MAC may hold colons itself: it is whatever comes after the third. */
function collect(text: string, earlier: readonly WifiSession[]): readonly WifiSession[] {
  const [, sessionId = '', nasIp = '', vrf = '', clientMac = ''] =
    /^([^:]+):([^:]+):([^:]+):(.+)$/.exec(text) ?? [];
  if (clientMac === '') throw new InvalidArgumentError('Expected id:nas:vrf:mac.');
  if (earlier.some((session) => session.sessionId === sessionId)) {
    throw new InvalidArgumentError(`Session ${sessionId} is given twice.`);
  }
  return [...earlier, { sessionId, nasIp, vrf, clientMac }];
}
