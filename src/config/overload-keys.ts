// The keys of [overload]. Part of the table in schema.ts.

import { duration, flag, share, size } from './value-types.ts';

export const overloadKeys = {
  max_event_loop_delay: duration(
    '1s',
    ['0s', '1m'],
    'New requests are rejected with 503 while the event loop lags by more than this; 0s disables the check.',
  ),
  max_memory: share(
    '90%',
    'New requests are rejected with 503 while more than this share of the V8 heap (--max-old-space-size) or of the memory of the machine, unit or container is in use.',
  ),
  max_bodies: size(
    '16 MB',
    ['1 MB', '4 GB'],
    'Memory for request bodies over all connections; requests that do not fit are rejected with 503. One address may use half of it.',
  ),
  heap_snapshots: flag(
    false,
    'Write a heap snapshot to the folder of --diagnostic-dir in NODE_OPTIONS when the heap is full: at most one a day and two in total. A snapshot contains secrets, and writing it takes several times the heap.',
  ),
};
