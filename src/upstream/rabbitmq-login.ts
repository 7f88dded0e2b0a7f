// Whether RabbitMQ takes our credentials. Used by `swob doctor`.

import { connect } from 'amqplib';
import { amqpAddress, amqpFailure } from '../domain/amqp.ts';
import { SwobError } from '../errors.ts';

/** Signs in and leaves again. Throws UPSTREAM with the reason, in words without secrets. */
export async function tryLogin(url: string, timeoutMs: number): Promise<void> {
  try {
    const connection = await connect(amqpAddress(url), { timeout: timeoutMs });
    connection.on('error', () => undefined);
    await connection.close();
  } catch (error) {
    // The error itself is dropped: it may quote the address with its password.
    throw new SwobError('UPSTREAM', amqpFailure(error).reason);
  }
}
