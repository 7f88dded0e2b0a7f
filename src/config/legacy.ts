// Keys of the old server's two conf.ini files that have another name here or no use any more.

interface Legacy {
  /** `section.key` of the table, or undefined when the key is read and ignored. */
  readonly to: string | undefined;
  readonly convert?: (value: string) => string;
  readonly note: string;
}

const ignored = (note: string): Legacy => ({ to: undefined, note });
const renamed = (to: string, convert?: (value: string) => string): Legacy => ({
  to,
  note: `now called ${to}`,
  ...(convert && { convert }),
});

const withoutScheme = (value: string): string => value.replace(/^\w+:\/\//, '');

const legacy = new Map<string, Legacy>([
  ['api.debug', ignored('debug output is [logging] level now')],
  ['api.url', ignored('URLs are made from [api] public_url, or from its host, port and public_host')],
  ['api_ssl.url', ignored('URLs are made from [api] public_url, or from its host, port and public_host')],
  ['server.url', ignored('the sync websocket finds the gateway at [api] host and port')],
  ['server.host', ignored('the sync websocket finds the gateway at [api] host and port')],
  ['server.port', ignored('the sync websocket finds the gateway at [api] host and port')],
  ['server.debug', ignored('debug output is [logging] level now')],
  ['websocket.url', renamed('websocket.host', withoutScheme)],
  ['websocket_ssl.url', renamed('websocket_ssl.host', withoutScheme)],
  ['ssl.url', renamed('websocket_ssl.host', withoutScheme)],
  ['ssl.crt', renamed('websocket_ssl.crt')],
  ['ssl.key', renamed('websocket_ssl.key')],
  ['ssl.pem', renamed('websocket_ssl.pem')],
  ['websocket_sync.session_change_limit', renamed('sync.session_change_limit')],
  ['websocket_sync.session_sleep_timeout', renamed('sync.session_sleep_timeout')],
  ['websocket_sync.session_paused_timeout', renamed('sync.session_paused_timeout')],
]);

/** What became of an old key; `undefined` when it never was one. */
export function legacyKey(section: string, key: string): Legacy | undefined {
  return legacy.get(`${section}.${key}`);
}
