// The real gateway in this process with stubs of the developer API, the back end and the Publisher, and a paired user.
// Stops everything when the test ends.

import { type RunningDeveloperStub, startDeveloperStub } from '../../src/stubs/developer.ts';
import {
  type PublisherStubOptions,
  type RunningPublisherStub,
  startPublisherStub,
} from '../../src/stubs/publisher.ts';
import { createPhone, handshakeUrlOf, openSession, pair, post, type TextResponse } from './phone.ts';
import { type Services, type ServicesOptions, startTestServices } from './services.ts';
import { encryptAsApp } from './sms.ts';
import { onEnd } from './teardown.ts';

export const msisdn = '+237650393369';
const phone = createPhone();

export interface MessagingOptions extends ServicesOptions {
  readonly publisher?: Omit<PublisherStubOptions, 'host' | 'port'>;
  /** Users by number, besides alice's. */
  readonly numbers?: readonly (readonly [number: string, user: string])[];
  /** Keys of the developers, by id; without them every developer is known. */
  readonly developers?: ReadonlyMap<string, string>;
}

export interface Messaging extends Services {
  readonly publisher: RunningPublisherStub;
  readonly developer: RunningDeveloperStub;
  /** Alice's, whose number is `msisdn`. */
  readonly sharedKey: string;
  /** Posts to the route of gateway clients. */
  post(body: unknown, headers?: Record<string, string>): Promise<TextResponse>;
  /** Encrypts and posts, as the app and a gateway phone do. */
  send(message: string): Promise<TextResponse>;
}

export async function startMessaging(options: MessagingOptions = {}): Promise<Messaging> {
  const local = { host: '127.0.0.1', port: 0 };
  const publisher = await startPublisherStub({ ...local, ...options.publisher });
  const developer = await startDeveloperStub({
    ...local,
    numbers: new Map([[msisdn, 'alice'], ...(options.numbers ?? [])]),
    ...(options.developers && { developers: options.developers }),
  });
  // The services stop first, while their stubs still respond.
  onEnd(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const portOf = (url: string): string => new URL(url).port;
  const services = await startTestServices({
    ...options,
    set: [
      `publisher.port=${portOf(publisher.url)}`,
      `backend_publisher.port=${portOf(developer.url)}`,
      `dev_api.authentication_url=${developer.url}/v1/authenticate`,
      ...(options.set ?? []),
    ],
  });
  const { gateway } = services;
  const initUrl = await openSession(gateway, 'alice');
  const sharedKey = await pair(handshakeUrlOf(gateway, initUrl), phone, 'correct horse');
  const postSms: Messaging['post'] = (body, headers) =>
    post(`${gateway}/sms/platform/gateway-client`, body, headers);
  return {
    ...services,
    publisher,
    developer,
    sharedKey,
    post: postSms,
    send: (message) => postSms({ text: encryptAsApp(sharedKey, message), MSISDN: msisdn }),
  };
}
