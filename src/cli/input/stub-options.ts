// The options that all stubs have. Used by the `stub` commands.

import { type Command, InvalidArgumentError } from 'commander';
import { SwobError } from '../../errors.ts';
import { atLeastOnce, type Expectation, parseCondition } from '../../stubs/expectation.ts';
import type { Intercept } from '../../stubs/intercept.ts';
import type { StubScript } from '../../stubs/stub-script.ts';
import type { Replay } from '../recording/replay.ts';
import { parseBaseUrl } from './base-url.ts';
import { collectValues } from './collect-values.ts';
import { parsePort } from './option-parsers.ts';

export interface StubOptions {
  readonly host: string;
  readonly port: number;
  readonly readyFile?: string;
  readonly verbose?: boolean;
  readonly scenario?: string;
  readonly expect?: readonly string[];
  readonly record?: string;
  readonly upstream?: string;
  readonly replay?: string;
}

export function addStubOptions(command: Command, port: number): Command {
  return command
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 picks a free port', parsePort, port)
    .option('--scenario <file>', 'YAML or JSON file: how to behave, request by request, and what to expect')
    .option(
      '--expect <condition|file>',
      'what must have been received when the stub ends: field~=pattern, or a file; repeatable',
      collectValues,
    )
    .option(
      '--record <folder>',
      'pass requests on to the system of --upstream, and keep the exchanges without secrets',
    )
    .option('--upstream <url>', 'URL of the real system, for --record', parseUpstream)
    .option('--replay <folder>', 'answer from a recording, and fail on requests that it does not have')
    .option('--ready-file <file>', 'file written when the stub is ready: {"url": …}; removed on exit')
    .option(
      '--verbose',
      'print each request with the status of its response; with --json as GET /__journal has it',
    );
}

/** The help of these options. */
export const stubOptionsHelp = `
With expectations, or --replay, the first signal ends the stub with exit code 0 when all are met and every request was in the
recording, otherwise with 1 and a list of what came instead. \`swob verify\` checks the same from outside. docs/testing.md describes the file.`;

/** Reads --scenario and --expect. Throws USAGE, naming the file and the place. */
export async function readStubScript<M extends string>(
  { scenario, expect = [] }: StubOptions,
  modes: readonly M[],
): Promise<StubScript<M>> {
  const script = scenario === undefined ? undefined : await readScriptFile(scenario, modes);
  const expectations = await Promise.all(expect.map((text) => readExpectations(text, modes)));
  return {
    behaviour: script?.behaviour ?? [],
    expect: [...(script?.expect ?? []), ...expectations.flat()],
  };
}

/** What answers in place of the stub; undefined when the stub does. Throws USAGE. */
export async function openRecording(
  options: Pick<StubOptions, 'record' | 'upstream' | 'replay' | 'scenario'>,
): Promise<Replay | { readonly intercept: Intercept } | undefined> {
  const { record, upstream, replay, scenario } = options;
  if (record === undefined && upstream !== undefined)
    throw new SwobError('USAGE', '--upstream needs --record');
  if (record === undefined && replay === undefined) return undefined;
  if ((record !== undefined && replay !== undefined) || scenario !== undefined)
    throw new SwobError('USAGE', '--record, --replay and --scenario exclude each other');
  if (replay !== undefined) return (await import('../recording/replay.ts')).createReplay(replay);
  if (record === undefined || upstream === undefined)
    throw new SwobError('USAGE', '--record needs --upstream');
  return { intercept: await (await import('../recording/recorder.ts')).createRecorder(record, upstream) };
}

function parseUpstream(text: string): string {
  const upstream = parseBaseUrl(text);
  if (upstream !== undefined) return upstream;
  throw new InvalidArgumentError('Expected an http or https URL without user, password and query.');
}

async function readExpectations(text: string, modes: readonly string[]): Promise<readonly Expectation[]> {
  // A condition has an operator; a file may be named so only with a folder in front.
  if (/^[A-Za-z_][\w.-]*(=|!=|~=|!~=)/.test(text))
    return [{ received: [parseCondition(text)], times: atLeastOnce }];
  return (await readScriptFile(text, modes)).expect;
}

/** Imported on use, as few stubs have a script. */
async function readScriptFile<M extends string>(file: string, modes: readonly M[]): Promise<StubScript<M>> {
  return (await import('./script-file.ts')).readScriptFile(file, modes);
}
