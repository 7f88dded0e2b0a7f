import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeContract } from '../../contract/store.ts';

storeContract('memory', async (options) => createMemoryStore(options));
