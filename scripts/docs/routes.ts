// docs/reference/routes.md, from the OpenAPI documents of the running services. Used by pages.ts.

import { code, page, sentence, table } from './markdown.ts';
import type { OpenApi, Operation, Schema } from './services.ts';

const intro = `The HTTP routes of every service with their requests and responses. The same is served as an OpenAPI document at
\`/docs/json\` of the gateway and of the disconnect service. Patterns are those of \`[api] state = testing\`.
[protocol.md](../protocol.md) explains how requests belong together.`;

const syncService = `## swob sync service

Websockets, on the port of \`[websocket]\`; see [protocol.md](../protocol.md#sync-websocket). \`GET /\`, \`/livez\`, \`/readyz\` and
\`/metrics\` work as on the other services.

| path | purpose |
|---|---|
| \`/v2/sync/init/{userId}/{sessionId}\` | shows the session to a page or terminal |
| \`/v2/sync/pause/{userId}/{sessionId}\` | a gateway in another process reports the handshake |
| \`/v2/sync/ack/{userId}/{sessionId}\` | a gateway in another process reports the pairing |`;

export function routesPage(documents: readonly OpenApi[]): string {
  return page('Routes', intro, ...documents.map(service), syncService);
}

function service({ info, paths }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      title: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  );
  return [
    `## ${info.title}`,
    info.description,
    ...operations.map(({ title, operation }) => route(title, operation)),
  ].join('\n\n');
}

function route(title: string, operation: Operation): string {
  const inputs = [...parametersOf(operation), ...membersOf(operation)];
  const schemes = operation.security?.flatMap(Object.keys) ?? [];
  return [
    `### ${title}`,
    `${sentence(operation.summary)}${schemes.length > 0 ? ` Credentials: ${schemes.map(code).join(', ')}.` : ''}`,
    ...(inputs.length > 0 ? [table(['input', 'in', 'type', 'meaning'], inputs)] : []),
    table(
      ['status', 'body', 'meaning'],
      Object.entries(operation.responses).map(([status, { description, content = {} }]) => [
        status,
        Object.keys(content).map(code).join(', ') || 'empty',
        sentence(description),
      ]),
    ),
  ].join('\n\n');
}

function parametersOf({ parameters = [] }: Operation): string[][] {
  return parameters.map(({ name, in: place, required, description, schema }) =>
    input(name, place, schema, required === true, description),
  );
}

function membersOf({ requestBody }: Operation): string[][] {
  return Object.entries(requestBody?.content ?? {}).flatMap(([type, { schema }]) => {
    const place = type === 'application/json' ? 'JSON' : 'form';
    const item = schema.items;
    const { properties = {}, required = [] } = item ?? schema;
    return Object.entries(properties).flatMap(([name, member]) => [
      input(`${item ? '[].' : ''}${name}`, place, member, required.includes(name)),
      ...Object.entries(member.items?.properties ?? {}).map(([inner, innerSchema]) =>
        input(`${name}[].${inner}`, place, innerSchema, member.items?.required?.includes(inner) === true),
      ),
    ]);
  });
}

function input(
  name: string,
  place: string,
  schema: Schema,
  required: boolean,
  description = schema.description ?? '',
): string[] {
  const meaning = description === '' ? '' : sentence(description);
  return [
    code(name),
    place,
    typeOf(schema),
    [required ? '' : 'Optional.', meaning].filter(Boolean).join(' '),
  ];
}

function typeOf(schema: Schema): string {
  const choices = choicesOf(schema);
  if (choices.length > 0) return choices.map((choice) => code(JSON.stringify(choice))).join(' or ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  const pattern = schema.pattern === undefined ? '' : `, ${code(schema.pattern)}`;
  return `${schema.type ?? 'any'}${pattern}`;
}

function choicesOf({ enum: values, const: constant, anyOf = [] }: Schema): readonly unknown[] {
  if (values) return values;
  if (constant !== undefined) return [constant];
  const inner = anyOf.map(choicesOf);
  return inner.length > 0 && inner.every((choices) => choices.length > 0) ? inner.flat() : [];
}
