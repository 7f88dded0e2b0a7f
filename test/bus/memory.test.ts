import { createMemoryBus } from '../../src/bus/memory.ts';
import { busContract } from '../contract/bus.ts';

busContract('memory', () => {
  const bus = createMemoryBus();
  return { here: bus, there: bus };
});
