// Schemas compiled on the first request respond as those that fastify compiles at the start.

import Fastify, { type FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { compileSchemasOnFirstUse } from '../../src/http/compile-on-first-use.ts';

const route = {
  schema: {
    querystring: Type.Object({ page: Type.Optional(Type.String({ pattern: '^[0-9]+$' })) }),
    body: Type.Object({ name: Type.String({ minLength: 2 }), age: Type.Optional(Type.Integer()) }),
    response: { 200: Type.Object({ name: Type.String() }) },
  },
};

function withRoute(app: FastifyInstance): FastifyInstance {
  return app.post('/people', route, async ({ body }) => body);
}

function createDefault(): FastifyInstance {
  const customOptions = { coerceTypes: false, removeAdditional: false, useDefaults: false } as const;
  return withRoute(Fastify({ ajv: { customOptions } }));
}

function createLazy(): FastifyInstance {
  const app = Fastify();
  compileSchemasOnFirstUse(app);
  return withRoute(app);
}

const requests: readonly (readonly [string, object | string])[] = [
  ['/people', { name: 'Ada' }],
  ['/people', { name: 'Ada', age: 36, secret: 'not in the response' }],
  ['/people', { name: 'A' }],
  ['/people', { name: 'Ada', age: '36' }],
  ['/people', {}],
  ['/people', []],
  ['/people?page=2', { name: 'Ada' }],
  ['/people?page=two', { name: 'Ada' }],
  ['/people?page=1&page=2', { name: 'Ada' }],
];

describe('schemas compiled on first use', () => {
  test.each([
    ['in this order', requests],
    ['in the reverse order', requests.toReversed()],
  ])('give the responses of fastify, %s', async (_order, sent) => {
    const [lazy, standard] = [createLazy(), createDefault()];
    for (const [url, payload] of sent) {
      const respond = async (app: FastifyInstance) => {
        const { statusCode, body } = await app.inject({ method: 'POST', url, payload });
        return { statusCode, body };
      };
      expect(await respond(lazy)).toEqual(await respond(standard));
    }
  });

  test('cost nothing at the start', async () => {
    const app = Fastify();
    compileSchemasOnFirstUse(app);
    const wrong = { type: 'unknown' };
    app.get('/wrong', { schema: { querystring: wrong, response: { 200: wrong } } }, async () => ({}));
    await expect(app.ready()).resolves.toBeDefined();
    const { statusCode } = await app.inject('/wrong');
    expect(statusCode).toBe(500);
  });
});
