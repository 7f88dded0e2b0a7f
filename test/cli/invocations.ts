// A harmless command line of every command, for tests of what all commands have in common. Needs a playground with sample
// data; `$FOLDER` is a folder of the test, and `$RUN` differs in each run.

export interface Invocation {
  readonly line: string;
  /** Standard input. */
  readonly stdin?: string;
  /** The usual exit code; 0 by default. */
  readonly exit?: number;
  /** Ended by SIGINT once it has printed something. */
  readonly daemon?: true;
  /** Prints no data to stdout. */
  readonly silent?: true;
  /** Runs only as a process, because it stops by the signals of its own process. */
  readonly process?: true;
}

const key = '--key $PLAYGROUND_SHARED_KEY';
const store = '--set store.url=file:$FOLDER/store-$RUN';

/** By the path of the command. */
export const invocations: Readonly<Record<string, Invocation>> = {
  serve: {
    line: 'serve gateway sync --set api.port=0 --set websocket.port=0 --set store.url=memory:',
    process: true,
  },
  status: { line: 'status' },
  wait: { line: 'wait', silent: true },
  doctor: { line: 'doctor' },
  'seeds list': { line: 'seeds list' },
  'seeds ping': { line: 'seeds ping 624010000000001 +237650000009' },
  'seeds get': { line: 'seeds get 624010123456789' },
  'seeds token': {
    line: 'seeds token 624010123456789 --set seeds.token_secret=0123456789abcdef0123456789abcdef',
  },
  'seeds test': { line: 'seeds test +237650000001' },
  'seeds reliability': { line: 'seeds reliability' },
  'sync qr': { line: 'sync qr alice', daemon: true },
  'sync pair': { line: 'sync pair alice' },
  'pairings list': { line: 'pairings list' },
  'pairings revoke': { line: 'pairings revoke alice --dry-run' },
  'sms send': { line: `sms send alice hello --dry-run ${key}` },
  'sms decrypt': { line: `sms decrypt $ENCRYPTED ${key}` },
  'sms list': { line: 'sms list' },
  'sms refused': { line: 'sms refused' },
  'sms failed': { line: 'sms failed' },
  'sms retry': { line: 'sms retry --all --dry-run' },
  'sms drop': { line: 'sms drop 00000000000000000000000000000000', exit: 1, silent: true },
  'sms trace': { line: 'sms trace 00000000000000000000000000000000', exit: 1, silent: true },
  'sms consume': {
    line: 'sms consume --auth-id dev1 --operator MTN --url amqp://127.0.0.1:9 --auth-key -',
    stdin: 'key',
    exit: 69,
    silent: true,
  },
  'sms outgoing list': { line: 'sms outgoing list' },
  'sms outgoing show': { line: 'sms outgoing show 1', exit: 1, silent: true },
  'sms outgoing cancel': { line: 'sms outgoing cancel --request none --dry-run' },
  'sms outgoing token': {
    line: 'sms outgoing token dev1 --set outgoing.status_secret=0123456789abcdef0123456789abcdef',
  },
  'sms invite': { line: 'sms invite dev1 --broker 127.0.0.1:5672' },
  disconnect: { line: 'disconnect --token -', stdin: '$PLAYGROUND_JWT' },
  'disconnects list': { line: 'disconnects list' },
  'disconnects show': { line: 'disconnects show 17000000000001b2c3d4e', exit: 1, silent: true },
  'jwt keygen': { line: 'jwt keygen --dir $FOLDER/keys-$RUN' },
  'jwt mint': { line: 'jwt mint --key $PLAYGROUND_JWT_KEY --sub alice' },
  'jwt verify': { line: 'jwt verify - --key $PLAYGROUND_FOLDER/jwt-public.pem', stdin: '$PLAYGROUND_JWT' },
  'jwt decode': { line: 'jwt decode -', stdin: '$PLAYGROUND_JWT' },
  'stub users': { line: 'stub users --port 0 --user alice:secret', daemon: true },
  'stub developer': { line: 'stub developer --port 0', daemon: true },
  'stub publisher': { line: 'stub publisher --port 0', daemon: true },
  'stub callbacks': { line: 'stub callbacks --port 0', daemon: true },
  'stub pcrf': { line: 'stub pcrf --port 0', daemon: true },
  'stub nas': { line: 'stub nas --port 0 --radius-port 0', daemon: true },
  'stub phone': {
    line: 'stub phone --port 0 --auth-id dev1 --url amqp://127.0.0.1:9 --auth-key -',
    stdin: 'key',
    exit: 69,
    silent: true,
  },
  'radius disconnect': {
    line: 'radius disconnect --nas $PLAYGROUND_NAS_RADIUS --secret-file $PLAYGROUND_NAS_SECRET_FILE --session 1 --user u --mac 020000000001',
  },
  verify: { line: 'verify $PLAYGROUND_PCRF_URL --received session=1 --times 0' },
  'playground start': { line: 'playground start', daemon: true },
  'playground env': { line: 'playground env' },
  'playground run': { line: 'playground run -- true', silent: true },
  'store export': { line: 'store export - --set store.url=file:$FOLDER/store' },
  'store import': { line: `store import $FOLDER/sample.jsonl ${store}`, silent: true },
  'config show': { line: 'config show' },
  'config check': { line: 'config check' },
  'config init': { line: 'config init -c $FOLDER/new-$RUN.ini' },
  'config import': { line: 'config import $FOLDER/old' },
  completion: { line: 'completion bash' },
};
