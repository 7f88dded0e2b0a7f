import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { messageOf } from '../../src/errors.ts';
import { configFile } from '../support/config-files.ts';

const load = (...setOptions: string[]) => loadConfig({ files: [configFile('')], env: {}, setOptions });

function errors(...setOptions: string[]): string[] {
  try {
    load(...setOptions);
  } catch (error) {
    return messageOf(error).split('\n  ').slice(1);
  }
  return [];
}

test('tests run on request only, by default', () => {
  expect(load().config.reliability).toEqual({ every: 0, auth_id: '', senders: [] });
});

test('a schedule needs a broker, a developer and a sensible interval', () => {
  expect(errors('reliability.every=1h')).toEqual([
    '[reliability] every needs [broker] url, since its SMS go through the broker: set it, or remove every',
    '[reliability] every needs auth_id: name a developer whose gateway phones send SMS, or remove every',
  ]);
  const rest = ['broker.url=amqp://127.0.0.1', 'reliability.auth_id=dev'];
  expect(errors('reliability.every=10s', ...rest)).toEqual([
    '[reliability] every is less than 1m: every round sends an SMS to each gateway client',
  ]);
  expect(errors('reliability.every=6h', ...rest)).toEqual([]);
});

test('senders are phone numbers in E.164 format', () => {
  expect(load('reliability.senders=+237690826242, +33612345678').config.reliability.senders).toHaveLength(2);
  expect(errors('reliability.senders=MTN')[0]).toContain('expected phone numbers such as +237650393369');
});
