import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { amqpAddress, amqpFailure, brokerName } from '../../src/amqp/address.ts';

describe('amqpAddress', () => {
  test.each([
    ['amqp://localhost', { protocol: 'amqp', hostname: 'localhost', port: 5672 }],
    ['amqps://localhost', { protocol: 'amqps', port: 5671 }],
    ['amqp://localhost:1234/', { port: 1234, vhost: '%2F' }],
    ['amqp://localhost', { username: 'guest', password: 'guest', vhost: '%2F' }],
    ['amqp://me@localhost', { username: 'me', password: '' }],
    ['amqp://:word@localhost', { username: '', password: 'word' }],
    ['amqp://localhost/%2F', { vhost: '%2F' }],
    ['amqp://localhost/a/b', { vhost: 'a%2Fb' }],
    ['amqp://me:100%@localhost/50%', { password: '100%', vhost: '50%25' }],
    ['amqp://[::1]:5673', { hostname: '::1', port: 5673 }],
  ])('splits %s', (url, parts) => {
    expect(amqpAddress(url)).toMatchObject(parts);
  });

  test('reads any credentials and any vhost back', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(word, word, word, (username, password, name) => {
        fc.pre(!/^\.{1,2}$/.test(name));
        const [user, pass, vhost] = [username, password, name].map(encodeURIComponent);
        const address = amqpAddress(`amqp://${user}:${pass}@localhost/${vhost}`);
        expect(address).toMatchObject({ username, password });
        expect(decodeURIComponent(address.vhost)).toBe(name);
      }),
    );
  });

  test.each(['', 'localhost', 'http://localhost', 'amqp://', 'amqp:localhost'])('refuses %j', (url) => {
    expect(() => amqpAddress(url)).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  });

  test.each([
    ['amqp://me:secret@localhost', 'localhost:5672'],
    ['amqp://[::1]:1', '[::1]:1'],
  ])('names %s without its credentials', (url, name) => {
    expect(brokerName(amqpAddress(url))).toBe(name);
  });
});

describe('amqpFailure', () => {
  const refused = '403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - secret"';

  test.each([
    [`Handshake terminated by server: ${refused}`, 'credentials', '403 ACCESS-REFUSED'],
    [`Operation failed: QueueDeclare; ${refused}`, 'forbidden', '403 ACCESS-REFUSED'],
    [`Channel closed by server: ${refused}`, 'forbidden', '403 ACCESS-REFUSED'],
    ['Expected ConnectionOpenOk; got <ConnectionClose channel:0>', 'forbidden', 'vhost refused'],
    ['Connection closed: 320 (CONNECTION-FORCED) with message "secret"', 'other', '320 CONNECTION-FORCED'],
    ['connect ETIMEDOUT', 'other', 'ETIMEDOUT'],
    ['Heartbeat timeout', 'other', 'no heartbeat'],
    ['Unexpected close', 'other', 'the connection was closed'],
    ['secret', 'other', 'the connection was closed'],
  ])('%s', (message, kind, reason) => {
    expect(amqpFailure(new Error(message))).toEqual({ kind, reason });
  });

  test("returns the system's name of an error, and nothing for other values", () => {
    expect(amqpFailure(Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }))).toEqual({
      kind: 'other',
      reason: 'ECONNREFUSED',
    });
    expect(amqpFailure('secret').reason).toBe('the connection was closed');
  });
});
