// The tests that `.ci/run` repeats with other versions of Node: some for each of Node's modules that src uses. The
// others call the same modules in the same ways, or none, so that a difference between versions fails here first. That is
// why the contract of stores runs here with files alone (Redis gets the same commands from every version), and why few of
// the tests that start daemons or all commands are here: one more daemon finds nothing that those of this list don't.

interface Group {
  /** What may differ between versions. */
  readonly subject: string;
  /** The modules of Node that its tests cover. */
  readonly modules: readonly string[];
  /** Its tests; a path that ends with `/` is a folder. */
  readonly paths: readonly string[];
}

export const nodeDependent: readonly Group[] = [
  {
    subject: 'servers: malformed requests, limits, aborted bodies, timeouts',
    modules: ['http', 'net', 'timers/promises'],
    paths: [
      'test/http/',
      'test/hostile/http.test.ts',
      'test/hostile/load-bodies.test.ts',
      'test/hostile/load-connections.test.ts',
      'test/hostile/load-json.test.ts',
      'test/hostile/overload.test.ts',
      'test/hostile/responses.test.ts',
      'test/disconnect/service.test.ts',
      'test/gateway/head.test.ts',
      'test/gateway/lenient-json.test.ts',
      'test/gateway/pairing.test.ts',
      'test/metrics/catalogue.test.ts',
    ],
  },
  {
    subject: 'HTTP clients: fetch, undici and node-fetch against servers that fail',
    modules: ['dns', 'dns/promises', 'http', 'url'],
    paths: [
      'test/cli/client/endpoints.test.ts',
      'test/cli/client/gateway-errors.test.ts',
      'test/cli/client/http-client.test.ts',
      'test/upstream/callback-targets.test.ts',
      'test/upstream/http-request.test.ts',
      'test/upstream/pcrf-pool.test.ts',
      'test/upstream/pcrf.test.ts',
      'test/upstream/publisher.test.ts',
      'test/upstream/user-api-failures.test.ts',
      'test/upstream/user-directory.test.ts',
    ],
  },
  {
    subject: 'TLS of servers and clients',
    modules: ['https', 'tls'],
    paths: [
      'test/app/doctor-certificate-trust.test.ts',
      'test/app/tls.test.ts',
      'test/upstream/tls-probe.test.ts',
      'test/upstream/tls.test.ts',
    ],
  },
  {
    subject: 'websockets and event streams',
    modules: ['events', 'http'],
    paths: [
      'test/console/live-hub.test.ts',
      'test/console/sign-in.test.ts',
      'test/hostile/websocket-frames.test.ts',
      'test/hostile/websocket.test.ts',
      'test/sync/',
    ],
  },
  {
    subject: 'connections to Redis and RabbitMQ',
    modules: ['net', 'tls'],
    paths: [
      'test/amqp/',
      'test/bus/',
      'test/redis/connection.test.ts',
      'test/redis/login.test.ts',
      'test/upstream/rabbitmq.test.ts',
    ],
  },
  {
    subject: 'UDP: RADIUS and GELF',
    modules: ['dgram'],
    paths: [
      'test/app/logging/gelf-sender.test.ts',
      'test/radius/client.test.ts',
      'test/radius/packet.test.ts',
    ],
  },
  {
    subject: 'keys, ciphers, signatures and the texts that they are made of',
    modules: ['buffer', 'crypto', 'util'],
    paths: ['test/crypto/'],
  },
  {
    subject: 'durable files, locks, watched files and faults of the disk',
    modules: ['fs', 'fs/promises', 'os', 'path'],
    paths: [
      'test/app/file-watcher.test.ts',
      'test/app/folder-for-file.test.ts',
      'test/lib/',
      'test/store/lock/',
      'test/store/lowdb/disk-faults.test.ts',
      'test/store/lowdb/disk-queue.test.ts',
      'test/store/lowdb/store.test.ts',
      'test/store/lowdb/users.test.ts',
    ],
  },
  {
    subject: 'streams and compression',
    modules: ['stream', 'stream/promises', 'zlib'],
    paths: [
      'test/app/logging/archives.test.ts',
      'test/app/logging/log-file.test.ts',
      'test/store/archive/file.test.ts',
    ],
  },
  {
    subject:
      'processes: start, signals, exit codes, closed output, terminals, the library in a test of its user',
    modules: ['child_process', 'cluster', 'module', 'readline', 'tty'],
    paths: [
      'test/app/lifecycle.test.ts',
      'test/cli/process.test.ts',
      'test/cli/streams.test.ts',
      'test/process/prompt.test.ts',
      'test/process/workers.test.ts',
      'test/process/stop.test.ts',
      'test/testing/',
      'test/store/remote/forked.test.ts',
    ],
  },
  {
    subject: 'measurements of the process: heap, delay of the event loop',
    modules: ['perf_hooks', 'v8'],
    paths: [
      'test/app/collector-threads.test.ts',
      'test/app/diagnostic-files.test.ts',
      'test/app/heap-growth.test.ts',
      'test/app/new-space.test.ts',
    ],
  },
];

/** The tests as patterns of vitest's `include`. */
export const nodeDependentPatterns: readonly string[] = nodeDependent.flatMap(({ paths }) =>
  paths.map((path) => (path.endsWith('/') ? `${path}**/*.test.ts` : path)),
);
