// The tests that `.ci/run` leaves out when it tests with a second version of Node. All others run on every version: they
// exercise what differs between versions, such as sockets, TLS, streams, files, processes, signals and cryptography.

/** Why a group of tests has the same outcome on every version, and its files; a path that ends with `/` is a folder. */
export const nodeIndependent: readonly { readonly reason: string; readonly paths: readonly string[] }[] = [
  {
    reason: 'computes from values alone: it uses no API of Node',
    paths: ['test/config/', 'test/domain/', 'test/metrics/', 'test/telecom/', 'test/cli/terminal/'],
  },
  {
    reason: 'checks the texts, the package and the set-up of the project',
    paths: [
      'test/api/',
      'test/cli/examples.test.ts',
      'test/process/install.test.ts',
      'test/process/npm-start.test.ts',
      'test/process/systemd.test.ts',
      'test/project/',
    ],
  },
  {
    reason:
      'checks how topologies of other servers behave; other tests use the same clients of Redis and RabbitMQ',
    paths: [
      'test/cli/commands/sms/consume-deku.test.ts',
      'test/cli/commands/sms/consume.test.ts',
      'test/gateway/relay-nodes.test.ts',
      'test/hostile/outgoing-deku.test.ts',
      'test/hostile/outgoing-tenants.test.ts',
      'test/hostile/outgoing.test.ts',
      'test/process/balancer-errors.test.ts',
      'test/process/balancer.test.ts',
      'test/process/many-nodes.test.ts',
      'test/process/old-halves.test.ts',
      'test/process/outgoing.test.ts',
      'test/process/real-systems.test.ts',
      'test/process/redis-away.test.ts',
      'test/process/shared-work.test.ts',
      'test/redis/failover.test.ts',
      'test/redis/sentinels.test.ts',
      'test/redis/test-servers.test.ts',
      'test/store/redis-cluster.test.ts',
      'test/store/redis-rights.test.ts',
      'test/upstream/rabbitmq-deku.test.ts',
      'test/upstream/rabbitmq-outages.test.ts',
      'test/upstream/rabbitmq-permissions.test.ts',
      'test/upstream/rabbitmq-tenants.test.ts',
    ],
  },
  {
    reason: 'checks pages in a browser; test/console/ and test/gateway/ call the routes behind them',
    paths: ['test/web/'],
  },
  {
    reason:
      'checks what commands of operators say about daemons; test/process/serve.test.ts and others start the same',
    paths: [
      'test/process/backup.test.ts',
      'test/process/completion.test.ts',
      'test/process/log-secrets.test.ts',
      'test/process/operate-broken.test.ts',
      'test/process/operate.test.ts',
      'test/process/playground.test.ts',
      'test/process/store-move.test.ts',
    ],
  },
];

/** The same as patterns of vitest's `exclude`. */
export const nodeIndependentPatterns: readonly string[] = nodeIndependent.flatMap(({ paths }) =>
  paths.map((path) => (path.endsWith('/') ? `${path}**` : path)),
);
