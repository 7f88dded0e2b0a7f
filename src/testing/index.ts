// `swob/testing`: the playground, its parts and its clients for tests in JavaScript. declarations.d.ts has the types.

export { phone } from './phone.ts';
export { playground } from './playground.ts';
export {
  stubCallbacks,
  stubDeveloper,
  stubNas,
  stubPcrf,
  stubPhone,
  stubPublisher,
  stubUsers,
} from './stubs.ts';
export { mintToken } from './tokens.ts';
