// When new work is rejected, with fake samples and a fake clock.

import { expect, test } from 'vitest';
import { createSampler } from '../../src/app/resources.ts';
import { createOverloadGuard, type LoadSample, sampleIntervalMs } from '../../src/http/overload-guard.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';

function create({ maxDelayMs = 1_000, maxMemory = 0.9 } = {}) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const state: { sample: LoadSample; samples: number } = { sample: { delayMs: 0, memory: 0.2 }, samples: 0 };
  const pressure = createOverloadGuard({
    maxDelayMs,
    maxMemory,
    sample: () => {
      state.samples++;
      return state.sample;
    },
    clock,
    log,
  });
  /** `admitted`, or the message to the client. */
  const admit = (): string => {
    try {
      pressure.admit();
      return 'admitted';
    } catch (error) {
      expect(error).toMatchObject({ code: 'OVERLOADED', httpStatus: 503, exitCode: 75, retryAfter: 10 });
      return String(error);
    }
  };
  const pass = (sample: Partial<LoadSample>, samples = 1): void => {
    state.sample = { delayMs: 0, memory: 0.2, ...sample };
    clock.advance(samples * sampleIntervalMs);
  };
  return { clock, log, pressure, admit, pass, samples: () => state.samples };
}

const refused = 'SwobError: overloaded, try again later';

test.each([
  ['a late event loop', { delayMs: 1_001 }, { delayMs: 1_000 }],
  ['little memory', { memory: 0.91 }, { memory: 0.9 }],
])('%s rejects work from the second sample until it is over, and logs each once', (_name, over, just) => {
  const { admit, pass, pressure, log } = create();
  expect(admit()).toBe('admitted');
  pass(just, 3);
  expect(admit()).toBe('admitted');
  pass(over);
  expect(admit()).toBe('admitted');
  pass(over);
  expect([admit(), admit(), admit()]).toEqual([refused, refused, refused]);
  pass(over, 100);
  expect(admit()).toBe(refused);
  pass({});
  expect(admit()).toBe('admitted');
  expect(pressure.rejected).toBe(4);
  expect(log.lines).toMatchObject([
    { level: 'warn', message: 'overloaded: rejecting new work; see [overload]' },
    { level: 'info', message: 'no longer overloaded', fields: { rejected: 4 } },
  ]);
});

test('a single pause is not an overload', () => {
  const { admit, pass } = create();
  admit();
  for (let round = 0; round < 10; round++) {
    pass({ delayMs: 60_000, memory: 1 });
    expect(admit()).toBe('admitted');
    pass({});
    expect(admit()).toBe('admitted');
  }
});

test('a limit of 0 disables it', () => {
  const over = { delayMs: 60_000, memory: 1 };
  const noDelay = create({ maxDelayMs: 0 });
  noDelay.admit();
  noDelay.pass({ delayMs: 60_000 }, 3);
  expect(noDelay.admit()).toBe('admitted');
  noDelay.pass(over, 3);
  expect(noDelay.admit()).toBe(refused);
  const none = create({ maxDelayMs: 0, maxMemory: 0 });
  none.admit();
  none.pass(over, 3);
  expect([none.admit(), none.samples(), none.clock.pending]).toEqual(['admitted', 0, 0]);
});

test('without work there is no timer after 10 s; the time without samples is ignored', () => {
  const { admit, pass, clock } = create();
  expect(clock.pending).toBe(0);
  admit();
  pass({ delayMs: 5_000 }, 39);
  expect(clock.pending).toBe(1);
  expect(admit()).toBe(refused);
  pass({}, 60);
  expect(clock.pending).toBe(0);
  // Only a second late sample is overload, whatever was before.
  expect(admit()).toBe('admitted');
  pass({ delayMs: 5_000 });
  expect(admit()).toBe('admitted');
  pass({ delayMs: 5_000 });
  expect(admit()).toBe(refused);
});

test('while overloaded it keeps sampling without new work, and stops with the service', () => {
  const { admit, pass, clock, pressure } = create();
  admit();
  pass({ memory: 0.95 }, 1_000);
  expect(clock.pending).toBe(1);
  pressure.stop();
  expect(clock.pending).toBe(0);
});

test('samples the delay of the event loop, and memory as a share', () => {
  const clock = createFakeClock();
  const sample = createSampler(clock, 250);
  clock.advance(250);
  expect(sample()).toEqual({ delayMs: 0, memory: expect.any(Number) });
  clock.advance(1_750);
  expect(sample().delayMs).toBe(1_500);
  clock.advance(100);
  const { delayMs, memory } = sample();
  expect(delayMs).toBe(0);
  expect(memory).toBeGreaterThan(0.001);
  expect(memory).toBeLessThan(1);
});
