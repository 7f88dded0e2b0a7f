// The description of the gateway's API, for `GET /` and the OpenAPI document. Used by server.ts.

import { errorCatalogue } from '../errors.ts';
import type { ApiDescription } from '../http/api-docs/document.ts';
import { textContent } from '../http/api-docs/route-docs.ts';

/** What the service is and where its endpoints are, for `GET /`. */
export const rootLines = [
  'an SMS gateway: seeds, pairing of phones, inbound and outgoing SMS',
  'API: /docs, OpenAPI document at /docs/json',
];

export function apiDescription(version: string): ApiDescription {
  return {
    title: 'swob gateway',
    description: 'Seeds, pairing of phones, inbound and outgoing SMS. Errors are short plain texts.',
    version,
    securitySchemes: {
      adminToken: {
        type: 'http',
        scheme: 'bearer',
        description: 'The admin token, from the file [security] admin_token_filepath',
      },
      seedToken: {
        type: 'http',
        scheme: 'bearer',
        description:
          'The token of a gateway client, required when [seeds] token_secret is set; see `swob seeds token`',
      },
      developer: {
        type: 'http',
        scheme: 'basic',
        description: 'auth_id and auth_key of a developer',
      },
      statusToken: {
        type: 'http',
        scheme: 'bearer',
        description:
          "The token of a developer's phones, from [outgoing] status_secret; see `swob sms outgoing token`",
      },
      twilioSignature: {
        type: 'apiKey',
        in: 'header',
        name: 'X-Twilio-Signature',
        description: 'Signature by Twilio with [twilio] auth_token; for the platform twilio only',
      },
    },
    errors: {
      statusOf: (code) => errorCatalogue[code].http,
      contentOf: () => textContent('Why the request failed'),
    },
  };
}
