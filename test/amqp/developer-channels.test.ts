// Which channels stay open, and what becomes of messages when one closes; on channels that record their calls.

import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { createDeveloperChannels, type DeveloperChannelsOptions } from '../../src/amqp/developer-channels.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';

class TestChannel extends EventEmitter {
  readonly written: { readonly exchange: string; confirm(error: unknown): void }[] = [];
  isClosed = false;
  assertExchange = async (): Promise<void> => {};
  publish = (exchange: string, _key: string, _body: Buffer, _options: object, confirm: () => void): void => {
    this.written.push({ exchange, confirm });
  };
  close = async (): Promise<void> => {
    this.isClosed = true;
    this.emit('close');
  };
}

function createFixture() {
  const channels: TestChannel[] = [];
  const model = {
    createConfirmChannel: async () => {
      const channel = new TestChannel();
      channels.push(channel);
      return channel;
    },
  };
  const developers = createDeveloperChannels({
    // Safe cast: these are the only methods that it calls.
    model: model as unknown as DeveloperChannelsOptions['model'],
    clock: createFakeClock(),
    log: createMemoryLog(),
    onReturn: () => {},
  });
  const confirmed: unknown[] = [];
  const publish = (exchange: string) =>
    developers.publish(exchange, {
      key: 'k',
      body: Buffer.from('{}'),
      options: {},
      onConfirm: (error) => confirmed.push(error),
      isAbandoned: () => false,
    });
  const open = (): TestChannel[] => channels.filter(({ isClosed }) => !isClosed);
  return { publish, channels, open, confirmed };
}

test('200 channels stay open, and the one that was used longest ago is closed for another', async () => {
  const { publish, channels, open } = createFixture();
  for (let n = 0; n < 200; n += 1) await publish(`e${n}`);
  for (const { written } of channels) for (const { confirm } of written) confirm(undefined);
  await publish('e0');
  expect(channels).toHaveLength(200);
  await publish('e200');
  expect(open()).toHaveLength(200);
  expect(channels.filter(({ isClosed }) => isClosed).map(({ written }) => written[0]?.exchange)).toEqual([
    'e1',
  ]);
  await publish('e1');
  expect(channels).toHaveLength(202);
});

test('channels with an unconfirmed message stay open beyond that, until it is confirmed', async () => {
  const { publish, channels, open } = createFixture();
  for (let n = 0; n < 210; n += 1) await publish(`e${n}`);
  expect(open()).toHaveLength(210);
  for (const { written } of channels) for (const { confirm } of written) confirm(undefined);
  await publish('another');
  expect(open()).toHaveLength(200);
});

test('a channel that has closed is replaced', async () => {
  const { publish, channels } = createFixture();
  await publish('e');
  await channels[0]?.close();
  expect(await publish('e')).toBe('written');
  expect(channels).toHaveLength(2);
});
