// `swob stub nas`: runs a stub of a RADIUS NAS.

import { isIP } from 'node:net';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readNasSecret } from '../../../app/nas-secret-watcher.ts';
import { SwobError } from '../../../errors.ts';
import { bracketHost, unbracketHost } from '../../../lib/net.ts';
import type { FailRatio } from '../../../stubs/fail-ratio.ts';
import { startNasStub } from '../../../stubs/nas.ts';
import type { AccountingTarget } from '../../../stubs/nas-accounting.ts';
import { type NasMode, nasModes } from '../../../stubs/nas-modes.ts';
import type { NasSession } from '../../../stubs/nas-sessions.ts';
import type { Context } from '../../context.ts';
import { parseFailRatio, parseMilliseconds, parsePort } from '../../input/option-parsers.ts';
import { addStubOptions, type StubOptions, stubOptionsHelp } from '../../input/stub-options.ts';
import { runStub } from '../../run-stub.ts';

interface Options extends StubOptions {
  readonly radiusPort: number;
  readonly secretFile?: string;
  readonly session?: readonly NasSession[];
  readonly mode: NasMode;
  readonly ms: number;
  readonly cause: number;
  readonly fail?: FailRatio;
  readonly accounting?: AccountingTarget;
}

/** As in the examples of FreeRADIUS. */
const defaultSecret = 'testing123';

export function define(command: Command, context: Context): void {
  addStubOptions(command, 9500)
    .option('--radius-port <port>', 'UDP port for RADIUS; 0 picks a free port', parsePort, 3799)
    .option('--secret-file <file>', `file of the shared secret (default: the secret ${defaultSecret})`)
    .option(
      '--session <id:user:mac>',
      'existing session; repeatable (default: every session exists)',
      collectSessions,
    )
    .addOption(new Option('--mode <mode>', 'response mode').choices(nasModes).default('normal'))
    .option('--ms <ms>', 'delay of mode slow, in milliseconds', parseMilliseconds, 1_000)
    .option('--cause <number>', 'Error-Cause of mode refuse and --fail', parseCause, 501)
    .option('--fail <n/m>', 'refuse the first n of every m requests', parseFailRatio)
    .option(
      '--accounting <address:port>',
      'where to send RADIUS accounting: a Stop for each session that ends (default: nowhere)',
      parseAccounting,
    )
    .addHelpText(
      'after',
      '\nRuns until a signal (exit 130, 143). --port is that of HTTP: inspect it with GET /__journal and GET /__sessions, add a' +
        '\nsession with POST /__sessions, and change it with POST /__behaviour {"mode": …, "count"?: …, "ms"?: …, "cause"?: …, "fail"?: "n/m"}.' +
        '\nWith --accounting, POST /__accounting {"status": "start", "interim" or "stop", "sessionId": …, "clientMac"?: …} sends one.' +
        '\nEach request is one entry of the journal, however often it is sent: packets counts it. answer is Disconnect-ACK or' +
        '\nDisconnect-NAK, the latter with error_cause.' +
        stubOptionsHelp +
        '\n\nExample:\n  swob stub nas --session 5692549928996307964:alice:FC-45-96-5F-50-AC',
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { mode, ms, cause, fail, radiusPort, secretFile, accounting, session: sessions = [] } = options;
  if (options.record !== undefined || options.replay !== undefined)
    throw new SwobError('USAGE', '--record and --replay are for stubs that are called over HTTP');
  const { clock } = context.io;
  const secret =
    secretFile === undefined ? defaultSecret : (await readNasSecret('--secret-file', secretFile)).toString();
  await runStub(context, 'NAS', options, nasModes, async (given) => {
    const behaviour = { mode, ms, cause, ...(fail && { fail }), ...(accounting && { accounting }) };
    const stub = await startNasStub({ ...given, ...behaviour, radiusPort, secret, sessions, clock });
    const { address, port } = stub.radius;
    return { ...stub, also: { radius: `${bracketHost(address)}:${port}` } };
  });
}

function parseAccounting(text: string): AccountingTarget {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const address = unbracketHost(host);
  if (isIP(address) === 0 || parsePort(port) === 0)
    throw new InvalidArgumentError('Expected an IP address and a port, such as 127.0.0.1:1813.');
  return { address, port: Number(port) };
}

function parseCause(text: string): number {
  if (/^\d{3,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected an Error-Cause, such as 503.');
}

/** User and MAC address may be left out; the MAC address may contain colons. */
function collectSessions(text: string, earlier: readonly NasSession[] = []): readonly NasSession[] {
  const [, sessionId = '', userName = '', clientMac = ''] =
    /^([^:]+)(?::([^:]*))?(?::(.+))?$/.exec(text) ?? [];
  if (sessionId === '') throw new InvalidArgumentError('Expected id, id:user or id:user:mac.');
  return [
    ...earlier,
    { sessionId, ...(userName !== '' && { userName }), ...(clientMac !== '' && { clientMac }) },
  ];
}
