// The modes of stubs that simulate no particular failure of their system. Used by users.ts and callbacks.ts.

import type { ServerResponse } from 'node:http';
import type { Clock } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';

export const basicModes = ['normal', 'refuse', 'hang', 'slow', 'close'] as const;

/**
 * - `normal`: a working system; `slow`: the same after `ms`
 * - `refuse`: 500; `hang`: no response; `close`: closes the connection without a response
 */
export type BasicMode = (typeof basicModes)[number];

/** Responds in that mode; `respond` makes the normal response. Throws INTERNAL in mode `refuse`. */
export async function respondInBasicMode(
  { mode, ms }: { readonly mode: BasicMode; readonly ms: number },
  {
    name,
    clock,
    response,
  }: { readonly name: string; readonly clock: Pick<Clock, 'after'>; readonly response: ServerResponse },
  respond: () => Promise<void>,
): Promise<void> {
  switch (mode) {
    case 'normal':
      return respond();
    case 'slow':
      await new Promise<void>((resolve) => {
        response.once('close', clock.after(ms, resolve));
      });
      return respond();
    case 'refuse':
      throw new SwobError('INTERNAL', `the ${name} stub was told to refuse`);
    case 'hang':
      return;
    case 'close':
      response.destroy();
  }
}
