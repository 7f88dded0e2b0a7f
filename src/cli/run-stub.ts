// Runs a stub until a signal, and then checks its expectations. Used by the `stub` commands and `playground start`.

import { SwobError } from '../errors.ts';
import { verify } from '../stubs/expectation.ts';
import type { Intercept } from '../stubs/intercept.ts';
import type { JournalEntry } from '../stubs/journal.ts';
import type { BehaviourStep, StubScript } from '../stubs/stub-script.ts';
import type { RunningStub } from '../stubs/stub-server.ts';
import type { Context } from './context.ts';
import { openRecording, readStubScript, type StubOptions } from './input/stub-options.ts';
import { Interrupted, OutputClosed } from './interrupt.ts';
import { prepareReadyFile } from './ready-file.ts';
import { describeEntry, describeVerdict, verdictJson } from './verdict-report.ts';

/** What a stub gets from the options that all stubs have. */
export interface StubStart<M extends string> {
  readonly host: string;
  readonly port: number;
  readonly steps: readonly BehaviourStep<M>[];
  /** Answers in place of the stub, for recordings. */
  readonly intercept: Intercept | undefined;
  /** Prints each request; undefined without --verbose. */
  readonly onEnded: ((entry: JournalEntry) => void) | undefined;
}

interface StubDetails {
  /** Where it listens besides HTTP, by protocol. */
  readonly also?: Readonly<Record<string, string>>;
  /** Rejects when the stub cannot continue. */
  readonly failed?: Promise<never>;
}

/**
 * Starts a stub, prints its URL, and closes it when a signal or a closed stdout ends the command. With expectations that is the usual
 * end: throws REFUSED when they are not met, or when a replay lacked a request.
 */
export async function runStub<M extends string>(
  context: Context,
  name: string,
  options: StubOptions,
  modes: readonly M[],
  start: (given: StubStart<M>) => Promise<RunningStub & StubDetails>,
): Promise<void> {
  const { interruptible, printer } = context;
  const ready = await prepareReadyFile(options.readyFile);
  const script = await readStubScript(options, modes);
  const recording = await openRecording(options);
  const replay = recording && 'unknownRequests' in recording ? recording : undefined;
  const print = (entry: JournalEntry): void =>
    printer.json ? printer.value(entry) : printer.line(describeEntry(entry));
  let stub: (RunningStub & StubDetails) | undefined;
  try {
    await interruptible(async (signal) => {
      const { host, port } = options;
      stub = await start({
        host,
        port,
        steps: script.behaviour,
        intercept: recording?.intercept,
        onEnded: options.verbose ? print : undefined,
      });
      const { url, also = {} } = stub;
      try {
        await ready.write({ url, ...also });
        const others = Object.entries(also).map(([what, address]) => `, ${what} at ${address}`);
        if (printer.json) printer.value({ url, ...also });
        else printer.line(`${name} stub ready at ${url}${others.join('')}`);
        await Promise.race([untilAborted(signal), ...(stub.failed ? [stub.failed] : [])]);
      } finally {
        // Remove the file first, so that no script reads it while the stub closes; close the stub even if that fails.
        await ready.remove().finally(() => stub?.close());
      }
    });
  } catch (error) {
    const isVerified = script.expect.length > 0 || replay;
    const isEnd = error instanceof Interrupted || error instanceof OutputClosed;
    if (!isEnd || !stub || !isVerified) throw error;
    reportExpectations(context, script, stub);
    const unknown = replay?.unknownRequests() ?? [];
    if (unknown.length > 0)
      throw new SwobError(
        'REFUSED',
        `not in the recording:\n${unknown.map((each) => `  ${each}`).join('\n')}`,
      );
  }
}

function reportExpectations({ printer }: Context, { expect }: StubScript<string>, stub: RunningStub): void {
  const verdicts = expect.map((expectation) => ({
    expectation,
    verdict: verify(expectation, stub.journal.all()),
  }));
  if (printer.json) {
    for (const { expectation, verdict } of verdicts) printer.value(verdictJson(expectation, verdict));
  }
  const unmet = verdicts.filter(({ verdict }) => !verdict.isMet);
  if (unmet.length === 0) return;
  const texts = unmet.map(({ expectation, verdict }) => describeVerdict(expectation, verdict));
  throw new SwobError('REFUSED', texts.join('\n'));
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
