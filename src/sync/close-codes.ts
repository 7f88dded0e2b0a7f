// The close codes of the sync websocket: the reason sent along, and what it means. Codes from 4000 on are for applications
// (RFC 6455, 7.4.2). The reference page of close codes is generated from this table.

export const closeCodes = {
  paired: { code: 1000, reason: 'paired', meaning: 'The phone has paired.' },
  limitReached: {
    code: 1000,
    reason: 'session change limit reached',
    meaning: 'The last QR code of [sync] session_change_limit has expired.',
  },
  done: {
    code: 1000,
    reason: 'done',
    meaning: 'The pause or ack of a gateway in another process has reached the socket of its session.',
  },
  stopping: {
    code: 1001,
    reason: 'server stopping',
    meaning: 'The service stops. Open the same URL again: another node, or the restarted service, continues.',
  },
  tooManyFrames: { code: 1008, reason: 'too many frames', meaning: 'The client sent too many messages.' },
  gatewayFailed: {
    code: 1011,
    reason: 'the gateway does not answer',
    meaning: 'The service could not reach the gateway or the store.',
  },
  unknownSession: {
    code: 4404,
    reason: 'unknown session',
    meaning: 'No such session: it expired, was replaced, or was never opened. Open a new one.',
  },
  pausedTooLong: {
    code: 4408,
    reason: 'paused too long',
    meaning: 'A phone scanned the code and sent no correct password within [sync] session_paused_timeout.',
  },
  alreadyConnected: {
    code: 4409,
    reason: 'session already connected',
    meaning: 'Another websocket shows this session already.',
  },
} as const;

export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];
