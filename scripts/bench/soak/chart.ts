// The charts of a soak test. Used by soak.ts.

import { plot } from './plot.ts';
import type { Sample } from './samples.ts';

export function drawSoak(title: string, samples: readonly Sample[]): string {
  const values = (key: keyof Sample): number[] => samples.map((sample) => sample[key]);
  return plot(title, values('minutes'), [
    {
      title: 'Memory, MB',
      lines: [
        { name: 'resident', values: values('residentMb') },
        { name: 'heap, least', values: values('heapMb') },
      ],
    },
    {
      title: 'Event loop late, ms',
      lines: [
        { name: 'p99', values: values('loopDelayP99Ms') },
        { name: 'max', values: values('loopDelayMaxMs') },
      ],
    },
    {
      title: 'Handles',
      lines: [
        { name: 'active resources', values: values('resources') },
        { name: 'open files', values: values('openFds') },
      ],
    },
    { title: 'Files of store, keys and log', lines: [{ name: 'files', values: values('files') }] },
    { title: 'Their size, MB', lines: [{ name: 'MB', values: values('filesMb') }] },
  ]);
}
