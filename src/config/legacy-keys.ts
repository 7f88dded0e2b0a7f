// Keys of the replaced server's conf.ini files (and its config.ini before 2022) that were renamed or dropped.
// Used by sources.ts.

interface LegacyKey {
  /** `section.key` of the table; undefined when the key is ignored. */
  readonly to: string | undefined;
  readonly convert?: (value: string) => string;
  readonly warning: string;
}

const ignored = (warning: string): LegacyKey => ({ to: undefined, warning });
const renamed = (to: string, convert?: (value: string) => string): LegacyKey => ({
  to,
  warning: `renamed to ${to}`,
  ...(convert && { convert }),
});

const withoutScheme = (value: string): string => value.replace(/^\w+:\/\//, '');

const legacyKeys = new Map<string, LegacyKey>([
  ['api.debug', ignored('ignored: the log level is set by [logging] level')],
  [
    'api.url',
    ignored('ignored: URLs start with [api] public_url, or are built from [api] public_host, host and port'),
  ],
  [
    'api_ssl.url',
    ignored('ignored: URLs start with [api] public_url, or are built from [api] public_host, host and port'),
  ],
  ['server.url', ignored('ignored: the sync websocket calls the gateway at [api] host and port')],
  ['server.host', ignored('ignored: the sync websocket calls the gateway at [api] host and port')],
  ['server.port', ignored('ignored: the sync websocket calls the gateway at [api] host and port')],
  ['websocket.debug', ignored('ignored: the log level is set by [logging] level')],
  ['server.debug', ignored('ignored: the log level is set by [logging] level')],
  ['websocket.url', renamed('websocket.host', withoutScheme)],
  ['websocket_ssl.url', renamed('websocket_ssl.host', withoutScheme)],
  ['ssl.url', renamed('websocket_ssl.host', withoutScheme)],
  ['ssl.crt', renamed('websocket_ssl.crt')],
  ['ssl.key', renamed('websocket_ssl.key')],
  ['ssl.pem', renamed('websocket_ssl.pem')],
  ['websocket_sync.session_change_limit', renamed('sync.session_change_limit')],
  ['websocket_sync.session_sleep_timeout', renamed('sync.session_sleep_timeout')],
  ['websocket_sync.session_paused_timeout', renamed('sync.session_paused_timeout')],
  ['API.host', renamed('api.host')],
  ['API.port', renamed('api.port')],
  ['ADMIN.auth_id', ignored("ignored: the gateway's own credentials are [dev_api] auth_id and auth_key")],
  ['ADMIN.auth_key', ignored("ignored: the gateway's own credentials are [dev_api] auth_id and auth_key")],
  ['AUTHENTICATION.url', ignored('ignored: the developer API is set by [dev_api] authentication_url')],
  [
    'CLOUD_API.url',
    ignored('ignored: URLs start with [api] public_url, or are built from [api] public_host, host and port'),
  ],
  ['rabbit_mq.server_url', ignored('ignored: RabbitMQ is set by [broker] url, including user and password')],
  ['rabbit_mq.queue_name', ignored('ignored: the names of the exchange and the queues are fixed')],
  ['rabbit_mq.exchange_name', ignored('ignored: the names of the exchange and the queues are fixed')],
  ['rabbit_mq.exchange_type', ignored('ignored: the names of the exchange and the queues are fixed')],
]);

/** What happened to a key of the replaced server; undefined for other keys. */
export function findLegacyKey(section: string, key: string): LegacyKey | undefined {
  return legacyKeys.get(`${section}.${key}`);
}
