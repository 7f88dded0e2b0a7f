// The keys of [overload]. Part of the table in schema.ts.

import { duration, share } from './kinds.ts';

export const overloadKeys = {
  max_event_loop_delay: duration(
    '1s',
    ['0s', '1m'],
    'New work is answered 503 while the process is later than this with everything it does; 0s means never.',
  ),
  max_memory: share(
    '90%',
    "The same while more than this is in use of V8's heap (--max-old-space-size) or of the memory of the machine, unit or container.",
  ),
};
