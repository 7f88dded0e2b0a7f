// A phone of a playground: pairs over the sync websocket, sends SMS as a gateway client does, pings. Used by index.ts.

import { systemClock } from '../app/system-clock.ts';
import { createHttpClient } from '../cli/client/http-client.ts';
import { pairOverSocket } from '../cli/client/socket-pairing.ts';
import { loadConfig } from '../config/load.ts';
import { encryptSms } from '../crypto/sms-cipher.ts';
import type * as declared from './declarations.d.ts';

const defaultImsi = '624010123456789';

export const phone: typeof declared.phone = async (playground, options = {}) => {
  const { user = playground.user, imsi = defaultImsi } = options;
  const { signal } = new AbortController();
  const http = createHttpClient({ baseUrl: playground.urls.gateway, signal });
  const client = { http, signal, config: loadConfig({ files: [playground.configFile], env: {} }).config };
  const identity = { clock: systemClock, user: user.id, password: user.password };
  const { sharedKey } = await pairOverSocket(client, identity);
  const encrypt = (text: string): string => encryptSms(sharedKey, text);
  return {
    user,
    imsi,
    sharedKey,
    encrypt,
    send: async (text) => {
      const body = { text: encrypt(text), MSISDN: user.msisdn };
      const path = '/sms/platform/gateway-client';
      const response = await http.request({ method: 'POST', path, body });
      return { status: response.status, text: response.text, id: response.header('x-message-id') };
    },
    ping: async (type = 'seed') => {
      const body = { IMSI: imsi, MSISDN: user.msisdn, seed_type: type };
      return Number(await http.text({ method: 'POST', path: '/seeds/ping', body }));
    },
  };
};
