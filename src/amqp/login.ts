// Whether RabbitMQ accepts our credentials. Used by `swob doctor`.

import { connect } from 'amqplib';
import type { Clock } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';
import { amqpAddress, amqpFailure } from './address.ts';

/** Signs in and disconnects, within `timeoutMs` in all. Throws UPSTREAM with the reason, without secrets. */
export async function checkLogin(url: string, timeoutMs: number, clock: Pick<Clock, 'after'>): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const logIn = async (): Promise<void> => {
    // The signal is passed on to node:net and node:tls, which amqplib's types omit.
    const socketOptions = { timeout: timeoutMs, signal };
    const connection = await connect(amqpAddress(url), socketOptions);
    connection.on('error', () => undefined);
    await connection.close();
  };
  let cancel = (): void => {};
  // The timeout of amqplib starts again with every byte, and ends with the handshake.
  const timedOut = new Promise<never>((_, reject) => {
    cancel = clock.after(timeoutMs, () => {
      reject(new Error('ETIMEDOUT'));
      controller.abort();
    });
  });
  try {
    await Promise.race([logIn(), timedOut]);
  } catch (error) {
    // The error itself is dropped: it may quote the address with its password.
    throw new SwobError('UPSTREAM', amqpFailure(error).reason);
  } finally {
    cancel();
  }
}
