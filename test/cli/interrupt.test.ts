// A signal that arrives twice after one Ctrl-C, because npm repeats it.

import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { interruptible } from '../../src/cli/interrupt.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { RecordedStream } from './harness.ts';

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])(
  'a repeated %s waits for the clean-up only within one second',
  async (signal) => {
    const signals = new EventEmitter();
    const clock = createFakeClock();
    const stdin = Readable.from([]);
    let cleanedUp: () => void = () => {};
    const work = interruptible(
      { stdout: new RecordedStream(false), stderr: new RecordedStream(false), stdin, clock, signals },
      () => {
        return new Promise<void>((resolve) => {
          cleanedUp = resolve;
        });
      },
    );
    signals.emit(signal);
    // A signal without a listener ends the process.
    expect(signals.listenerCount(signal)).toBe(1);
    clock.advance(1_000);
    expect(signals.listenerCount(signal)).toBe(0);
    cleanedUp();
    await expect(work).rejects.toThrow(`ended by ${signal}`);
  },
);
