// A callback sender for tests, a server that it calls, and resolvers and connections that are not real.

import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { CallbackSender } from '../../src/domain/upstreams.ts';
import { type CallbackSenderOptions, createCallbackSender } from '../../src/upstream/callbacks.ts';
import { type HostileServer, startHostileServer } from './hostile-server.ts';

/** JSON with characters of every length in UTF-8. */
export const body = '{"uuid":"1","errors":[],"text":"é很好 👍"}';

export function createSender(options: Partial<CallbackSenderOptions> = {}): CallbackSender {
  return createCallbackSender({ secret: '', allow: [], clock: systemClock, ...options });
}

/** At 127.0.0.1, for posts to `/hook`. */
export function startHook(
  handler: (response: ServerResponse) => void = (response) => void response.end(),
): Promise<HostileServer> {
  return startHostileServer({ 'POST /hook': handler });
}

/** A resolver that gives one of these lists at a time, and the last one for ever; `asked` is what it was asked. */
export function createResolver(...lists: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const lookup = async (host: string) => {
    const addresses = lists[Math.min(asked.length, lists.length - 1)] ?? [];
    asked.push(host);
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return { asked, lookup };
}

interface ConnectOptions {
  readonly host: string;
  readonly lookup: (
    host: string,
    options: object,
    callback: (error: Error | null, found?: { address: string }[]) => void,
  ) => void;
}

/** Ends every connection of this process before it is made; gives the addresses that it would have tried. */
export function catchConnections(): string[][] {
  const targets: string[][] = [];
  const spy = vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (
    this: Socket,
    ...args: unknown[]
  ) {
    // net.connect() hands its options on in a list of its own, tls.connect() as they are.
    const [options] = args.flat() as [ConnectOptions];
    const end = (error: Error | null, found: { address: string }[] = []): void => {
      if (!error) targets.push(found.map(({ address }) => address));
      // As a real one: not before those who asked for the connection can listen.
      const cause = error ?? Object.assign(new Error('caught'), { code: 'ECAUGHT' });
      process.nextTick(() => this.destroy(cause));
    };
    if (/^[\d.]+$|:/.test(options.host)) end(null, [{ address: options.host }]);
    else options.lookup(options.host, { all: true }, end);
    return this;
  });
  onTestFinished(() => spy.mockRestore());
  return targets;
}
