// Routes that show which gateway clients work. docs/protocol.md, "Which number works".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import type { Clients, ClientView } from '../../domain/seeds/clients.ts';
import type { Reliability } from '../../domain/seeds/reliability.ts';
import type { RateLimit } from '../../domain/shared/model.ts';
import type { LimitStore } from '../../domain/shared/ports.ts';
import { consumeAll, rateLimited } from '../../domain/shared/rate-limiting.ts';
import type { ServiceUrls } from '../../domain/shared/urls.ts';
import type { RouteDocs } from '../../http/api-docs/route-docs.ts';
import { jsonErrorBody, jsonErrorContent } from '../json-errors.ts';
import { describePage, pageQuery, readFilters, readPage, readTime } from '../paging.ts';
import { reliabilityTestRoutes } from './reliability-tests.ts';

export interface ClientRouteOptions {
  readonly clients: Clients;
  readonly reliability: Reliability;
  readonly addresses: ServiceUrls;
  readonly limits: LimitStore;
  /** Requests of an address, together with its lookups of operators. */
  readonly lookupLimit: RateLimit;
}

/** All that swob offers; the old server had others, too. */
const protocols = ['https'];
const names = Type.Array(Type.String());
const number = Type.String({ description: 'E.164' });
const operator = { operator: Type.String(), operator_code: Type.String({ description: 'MCC and MNC' }) };
const gatewayClient = Type.Object({
  msisdn: number,
  country: Type.String(),
  ...operator,
  protocols: names,
});
const client = Type.Object({
  country: Type.String(),
  last_published_date: Type.Integer({
    description: 'Its last delivery, or its last ping while there is none; Unix time in seconds',
  }),
  msisdn: number,
  ...operator,
  protocols: names,
  reliability: Type.String({ description: 'Percent of its tests that arrived in time, e.g. 99.50' }),
});

const filter = {
  country: Type.Optional(Type.String({ description: 'Name' })),
  operator: Type.Optional(Type.String({ description: 'Part of the name' })),
};
const docs: RouteDocs = { errors: ['LIMITED', 'UNAVAILABLE', 'BAD_INPUT'], errorContent: jsonErrorContent };

export const clientRoutes: FastifyPluginAsyncTypebox<ClientRouteOptions> = async (app, options) => {
  const { clients, reliability, addresses, limits, lookupLimit } = options;

  app.addHook('onRequest', async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return;
    const key = `lookup:address:${request.requestContext.address}` as const;
    const exceeded = await consumeAll(limits, [key], lookupLimit);
    if (exceeded) throw rateLimited('requests', exceeded.seconds);
  });

  const querystring = Type.Object({
    ...filter,
    protocols: Type.Optional(Type.String({ description: 'Separated by commas; all of them' })),
    last_published_date: Type.Optional(Type.String({ description: 'Published since, ISO 8601' })),
    ...pageQuery,
  });
  app.get(
    '/v3/clients',
    {
      config: { errorBody: jsonErrorBody, docs: { ...docs, querystring } },
      schema: {
        operationId: 'listClients',
        summary: 'List the gateway clients that work, a page at a time',
        tags: ['clients'],
        response: { 200: Type.Array(client) },
      },
    },
    async (request, reply) => {
      const filterNames = ['country', 'operator', 'protocols', 'last_published_date'] as const;
      const filters = readFilters(request.query, filterNames);
      const page = readPage(readFilters(request.query, ['page', 'per_page']));
      const since = readTime('last_published_date', filters.last_published_date) ?? 0;
      const found = (await clients.list()).filter(
        (each) => isMatch(each, filters) && each.lastSeenAt >= since && offersAll(filters.protocols),
      );
      const shown = found.slice((page.page - 1) * page.perPage, page.page * page.perPage);
      const shares = await reliability.percentages(shown.map(({ msisdn }) => msisdn));
      describePage(reply, page, found.length, { url: `${addresses.gateway()}/v3/clients`, filters });
      return shown.map((each, index) => toClient(each, shares[index] ?? '0.00'));
    },
  );

  app.get(
    '/v3/clients/countries',
    {
      config: { errorBody: jsonErrorBody, docs },
      schema: {
        operationId: 'listClientCountries',
        summary: 'List the countries of gateway clients',
        tags: ['clients'],
        response: { 200: names },
      },
    },
    async () => distinct((await clients.list()).map(({ country }) => country)),
  );

  app.get(
    '/v3/clients/:country/operators',
    {
      config: { errorBody: jsonErrorBody, docs },
      schema: {
        operationId: 'listClientOperators',
        summary: 'List the operators of gateway clients in a country',
        tags: ['clients'],
        params: Type.Object({ country: Type.String({ description: 'Name, in upper or lower case' }) }),
        response: { 200: names },
      },
    },
    async ({ params: { country } }) => {
      const found = (await clients.list()).filter((each) => isMatch(each, { country }));
      return distinct(found.map((each) => each.operator));
    },
  );

  app.get(
    '/v1/gateway-clients',
    {
      config: {
        errorBody: jsonErrorBody,
        docs: { ...docs, querystring: Type.Object({ msisdn: Type.Optional(number), ...filter }) },
      },
      schema: {
        operationId: 'listGatewayClients',
        summary: 'List the gateway clients that work',
        tags: ['clients'],
        response: { 200: Type.Array(gatewayClient) },
      },
    },
    async (request) => {
      const filters = readFilters(request.query, ['msisdn', 'country', 'operator']);
      const { msisdn } = filters;
      const one = msisdn === undefined ? undefined : await clients.find(msisdn);
      const found = msisdn === undefined ? await clients.list() : one ? [one] : [];
      return found.filter((each) => isMatch(each, filters)).map(toGatewayClient);
    },
  );

  await app.register(reliabilityTestRoutes, { reliability, addresses });
};

function isMatch(
  { country, operator: name }: ClientView,
  wanted: { readonly country?: string; readonly operator?: string },
): boolean {
  return (
    (wanted.country === undefined || country.toLowerCase() === wanted.country.toLowerCase()) &&
    (wanted.operator === undefined || name.toLowerCase().includes(wanted.operator.toLowerCase()))
  );
}

function offersAll(wanted: string | undefined): boolean {
  return (wanted ?? '')
    .toLowerCase()
    .split(',')
    .map((protocol) => protocol.trim())
    .every((protocol) => protocol === '' || protocols.includes(protocol));
}

function toGatewayClient({
  msisdn,
  country,
  operator: name,
  operatorCode,
}: ClientView): Static<typeof gatewayClient> {
  return { msisdn, country, operator: name, operator_code: operatorCode, protocols };
}

function toClient(view: ClientView, reliability: string): Static<typeof client> {
  const last_published_date = Math.floor(view.lastSeenAt / 1_000);
  return { ...toGatewayClient(view), last_published_date, reliability };
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].filter((text) => text !== '').sort();
}
