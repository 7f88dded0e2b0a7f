// Whether RabbitMQ accepts our credentials. Used by `swob doctor`.

import { connect } from 'amqplib';
import { SwobError } from '../errors.ts';
import { amqpAddress, amqpFailure } from './address.ts';

/** Signs in and disconnects. Throws UPSTREAM with the reason, without secrets. */
export async function checkLogin(url: string, timeoutMs: number): Promise<void> {
  try {
    const connection = await connect(amqpAddress(url), { timeout: timeoutMs });
    connection.on('error', () => undefined);
    await connection.close();
  } catch (error) {
    // The error itself is dropped: it may quote the address with its password.
    throw new SwobError('UPSTREAM', amqpFailure(error).reason);
  }
}
