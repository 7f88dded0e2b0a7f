// Runs a stub until a signal. Used by the commands of stub.

import type { Context } from './context.ts';
import type { ReadyFile } from './ready-file.ts';

interface Stub {
  readonly url: string;
  close(): Promise<void>;
}

/** Says where the stub that `start` starts can be reached; closes it when a signal ends the command. */
export async function runStub(
  { interruptible, printer }: Context,
  name: string,
  ready: ReadyFile,
  start: () => Promise<Stub>,
): Promise<void> {
  await interruptible(async (signal) => {
    const stub = await start();
    try {
      await ready.write({ url: stub.url });
      if (printer.json) printer.value({ url: stub.url });
      else printer.line(`${name} stub ready at ${stub.url}`);
      await aborted(signal);
    } finally {
      // First, so that nobody reads it who is too late; it never keeps the stub from closing.
      await ready.remove().finally(() => stub.close());
    }
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
