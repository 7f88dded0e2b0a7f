// The monitoring endpoints in the OpenAPI document: every service responds to them without a route. Used by document.ts;
// ../monitoring.ts implements them.

const text = { 'text/plain': { schema: { type: 'string' } } };
const tags = ['operations'];

const check = {
  type: 'object',
  required: ['ok', 'required', 'ms'],
  properties: {
    ok: { type: 'boolean' },
    required: { type: 'boolean', description: 'Whether the service is unready when the check fails' },
    ms: { type: 'number' },
    reason: { type: 'string' },
  },
};
const readiness = {
  'application/json': {
    schema: {
      type: 'object',
      required: ['ready', 'state', 'service', 'version', 'uptime', 'checks'],
      properties: {
        ready: { type: 'boolean' },
        state: { type: 'string', enum: ['ready', 'degraded', 'unready'] },
        service: { type: 'string' },
        version: { type: 'string' },
        uptime: { type: 'number', description: 'Seconds' },
        checks: { type: 'object', additionalProperties: check },
      },
    },
  },
};

export const monitoringPaths = {
  '/livez': {
    get: {
      operationId: 'getLiveness',
      summary: 'Report whether the process is alive',
      tags,
      responses: { 200: { description: 'It is alive', content: text } },
    },
  },
  '/readyz': {
    get: {
      operationId: 'getReadiness',
      summary: 'Report whether the service can do its work, check by check',
      tags,
      responses: {
        200: { description: 'Ready or degraded', content: readiness },
        503: { description: 'Not ready', content: readiness },
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'getMetrics',
      summary: 'Return metrics for Prometheus, to the addresses of [metrics] allow',
      tags,
      responses: {
        200: { description: 'Text format 0.0.4', content: text },
        404: {
          description: 'The address may not read them',
          content: { ...text, 'application/json': { schema: {} } },
        },
      },
    },
  },
};
