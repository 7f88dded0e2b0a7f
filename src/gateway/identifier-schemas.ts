// The identifiers of docs/protocol.md as JSON schemas, for the state that the gateway is in.

import { Type } from 'typebox';
import { type ApiState, identifierPatterns, maxMsisdnLength } from '../domain/shared/identifiers.ts';

export type IdentifierSchemas = ReturnType<typeof createIdentifierSchemas>;

export function createIdentifierSchemas(state: ApiState) {
  const patterns = identifierPatterns(state);
  return {
    imsi: Type.String({ pattern: patterns.imsi, description: 'International Mobile Subscriber Identity' }),
    msisdn: Type.String({ maxLength: maxMsisdnLength, description: 'Phone number, normalised to E.164' }),
    userId: Type.String({ pattern: patterns.userId, description: 'Id of a user at the user management API' }),
    sessionId: Type.String({ pattern: patterns.sessionId, description: 'Id of a pairing session' }),
  };
}
