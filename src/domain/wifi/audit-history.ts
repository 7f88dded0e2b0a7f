// An audited request as a timeline for operators, and what they can do about its outcome. Used by the console.

import type { TimelineStep } from '../shared/model.ts';
import type { AuditedOutcome, DisconnectRecord } from './audit-model.ts';
import type { BackendReport } from './backends.ts';
import { describeErrorCause } from './error-causes.ts';

export function stepsOf(record: DisconnectRecord): readonly TimelineStep[] {
  const { address, requestId, outcome, durationMs, verified } = record;
  const isEnded = outcome === 'disconnected';
  return [
    {
      tone: 'neutral',
      event: address === consoleClient ? 'requested in the console' : `requested by ${address}`,
      details: [`request ${requestId}`],
    },
    ...tokenStep(record),
    ...record.reports.map(backendStep),
    ...(verified === undefined ? [] : [verifiedSteps[verified]]),
    {
      tone: isEnded ? 'good' : 'bad',
      event: `${isEnded ? 'answered: success' : `answered: ${outcome}`}, after ${durationMs} ms`,
      details: [],
    },
  ];
}

/** The client of requests that an operator makes in the console, in place of an address. */
export const consoleClient = 'console';

const verifiedSteps: Readonly<Record<NonNullable<DisconnectRecord['verified']>, TimelineStep>> = {
  gone: { tone: 'good', event: 'verified: the session is gone', details: [] },
  present: { tone: 'bad', event: 'verified: the session is still there', details: [] },
  unknown: { tone: 'warn', event: 'not verified: nothing says whether the session is gone', details: [] },
};

function tokenStep(record: DisconnectRecord): TimelineStep[] {
  const { outcome, reason = '', sessionId, nasIp, vrf, mac, user } = record;
  if (outcome === 'malformed') return [{ tone: 'bad', event: 'no token to judge', details: [reason] }];
  if (outcome === 'limited') return [{ tone: 'warn', event: 'the token was not judged', details: [reason] }];
  if (outcome === 'refused') {
    const faults = reason.replace(/^token refused: /, '');
    return [{ tone: 'bad', event: 'the token was refused', details: [faults] }];
  }
  if (sessionId === undefined) return reason === '' ? [] : [{ tone: 'bad', event: reason, details: [] }];
  const claims = { sub: user, sessionId, nasIp, vrf, clientMac: mac };
  return [
    {
      tone: 'good',
      event: 'the token was valid',
      details: Object.entries(claims).flatMap(([name, value]) => (value ? [`${name} ${value}`] : [])),
    },
  ];
}

function backendStep(report: BackendReport): TimelineStep {
  const { backend, kind, reason, attempts, durationMs, nas, errorCause, notDone = [], alreadyGone } = report;
  const { host, failedHosts = [] } = report;
  const pcrf = host === undefined ? 'the PCRF' : `the PCRF at ${host}`;
  const system = backend === 'pcrf' ? pcrf : nas === undefined ? 'RADIUS' : `NAS ${nas}`;
  const isEnded = kind === 'disconnected';
  const sent = attempts === 0 ? 'nothing was sent' : `sent ${attempts === 1 ? 'once' : `${attempts} times`}`;
  return {
    tone: isEnded ? 'good' : 'bad',
    event: isEnded
      ? `${system} ${alreadyGone ? 'had no such session any more' : 'ended the session'}`
      : `${system} did not end the session: ${kind}`,
    details: [
      // The reason of a failure names it already.
      ...(reason === undefined && errorCause !== undefined
        ? [`Error-Cause ${describeErrorCause(errorCause)}`]
        : []),
      // So does that of several hosts.
      ...(reason === undefined ? failedHosts : [reason]),
      `${sent}, ${durationMs} ms`,
      ...notDone,
    ],
  };
}

/** Undefined where there is nothing to do. */
export function remedyOf({ outcome, reports, reason = '', verified }: DisconnectRecord): string | undefined {
  if (verified === 'present')
    return 'the device is still online: look for its session at the NAS, and log it out again';
  if (outcome === 'refused') return refusedRemedy(reason);
  const failed = reports.find(({ kind }) => kind !== 'disconnected');
  if (failed?.alreadyGone)
    return 'nothing, if the user is offline; [disconnect] already_gone = success counts it so';
  return (failed?.backend === 'radius' ? radiusRemedies : pcrfRemedies)[outcome] ?? remedies[outcome];
}

function refusedRemedy(reason: string): string {
  if (/\bexpired\b|\bin the future\b/.test(reason))
    return 'let the portal sign a token for each request, and compare its clock with the one of this machine';
  if (/signature|key/.test(reason))
    return 'compare the key of [validation] public_key with the one that the portal signs with';
  return 'let the portal correct the token; the form below judges every claim of one';
}

type Remedies = Readonly<Partial<Record<AuditedOutcome, string>>>;

const pcrfRemedies: Remedies = {
  rejected: 'look for the session in the log of the PCRF: it answered, but not with success',
  unreachable: 'see that the PCRF runs, and that [pcrf] host and port are right: `swob doctor` tries them',
  timeout: 'see how busy the PCRF is; it may have ended the session all the same',
  busy: 'raise [pcrf.pool] max, or find out why the PCRF is slow',
};

const radiusRemedies: Remedies = {
  rejected: 'look at the Error-Cause, and for the session at the NAS',
  unreachable:
    'see that the NAS is reachable from this machine, and that the port of its [nas] section is right',
  timeout: 'compare secret and port with the NAS, and let it accept Disconnect-Requests from this machine',
  busy: 'find out why the NAS does not answer: all identifiers wait for it',
};

const remedies: Remedies = {
  'invalid response': 'see what answers at [pcrf] host and port: it is perhaps no PCRF',
  'bad session': 'let the portal correct the claims of the token',
  overloaded: 'nothing, if it was a burst; otherwise share the load among several nodes',
  stopping: 'log the user out again: swob was being stopped',
  failed: 'read the log at this time: swob itself failed, such as its store',
  limited: 'raise [limits] disconnects, if this client is a portal with many users',
  malformed: 'let the client send one token: `GET /disconnect?token=…` or `POST` with Authorization: Bearer',
};
