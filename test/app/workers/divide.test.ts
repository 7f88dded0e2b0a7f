// Bounds of the configuration among workers: together they never exceed it.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divideBounds, shareOf, workersFor } from '../../../src/app/workers/divide.ts';
import { loadConfig } from '../../../src/config/load.ts';

const { config } = loadConfig({ env: {} });
const services = new Set(['gateway', 'sync', 'disconnect'] as const);

test('the parts of all workers together are at most the bound, and each worker has one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 1, max: 256 }),
      (bound, workers) => {
        fc.pre(workers <= bound);
        const share = shareOf(bound, workers);
        expect(share).toBeGreaterThanOrEqual(1);
        expect(share * workers).toBeLessThanOrEqual(bound);
      },
    ),
  );
});

test('each bound that a process keeps for itself is divided, and nothing else changes', () => {
  const divided = divideBounds(config, 4);
  expect(divided['pcrf.pool']).toEqual({ ...config['pcrf.pool'], min: 1, max: 5 });
  expect(divided.sync.max_connections).toBe(Math.floor(config.sync.max_connections / 4));
  expect(divided.overload.max_bodies).toBe(config.overload.max_bodies / 4);
  expect(divided.console.max_clients).toBe(Math.floor(config.console.max_clients / 4));
  expect(divided.limits).toEqual(config.limits);
  expect(divideBounds(config, 1)).toEqual(config);
});

test('more workers than the smallest bound are refused, and auto takes fewer than there are cores', () => {
  const small = { ...config, 'pcrf.pool': { ...config['pcrf.pool'], max: 3 } };
  expect(workersFor(3, { config: small, services, cores: 8 })).toBe(3);
  expect(() => workersFor(4, { config: small, services, cores: 8 })).toThrow(
    '--workers 4: [pcrf.pool] max = 3 cannot be divided among so many; raise it, or run fewer workers',
  );
  expect(workersFor('auto', { config: small, services, cores: 8 })).toBe(3);
  expect(workersFor('auto', { config, services, cores: 8 })).toBe(8);
  expect(workersFor(4, { config: small, services: new Set(['gateway']), cores: 8 })).toBe(4);
});
