// The types of the NAS stub of `swob/testing`. Part of declarations.d.ts.
/// <reference lib="esnext.disposable" />

import type { BehaviourStep, FailRatio, ModeOptions, Stub, StubOptions } from './stub-types.js';

/**
 * `forge`: an answer that another secret has made; `reorder`: it is sent after the next one; `refuse`: a NAK; `ignore`: an ACK,
 * but the session continues.
 */
export type NasMode =
  | 'normal'
  | 'slow'
  | 'refuse'
  | 'ignore'
  | 'hang'
  | 'duplicate'
  | 'reorder'
  | 'forge'
  | 'garbage';

/** A session of a Wi-Fi user, as a NAS knows it. */
export interface NasSession {
  readonly sessionId: string;
  readonly userName?: string;
  /** In any spelling. */
  readonly clientMac?: string;
}

export interface NasStubOptions extends StubOptions {
  /** The modes of the first requests, in order, as `behaviour` of a scenario file. */
  readonly behaviour?: readonly BehaviourStep<NasMode>[];
  /** The UDP port for RADIUS; a free one by default. */
  readonly radiusPort?: number;
  /** The shared secret; `testing123` by default. */
  readonly secret?: string;
  /** The existing sessions; without any, every session exists. */
  readonly sessions?: readonly NasSession[];
  /** The mode at start; `normal` by default. */
  readonly mode?: NasMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** The Error-Cause of a NAK in mode `refuse` or by `fail`; 501 by default. */
  readonly cause?: number;
  /** Requests that get a NAK, whatever the mode; none by default. */
  readonly fail?: FailRatio;
  /** The IP address and port where it sends RADIUS accounting: a Stop for each session that it ends. */
  readonly accounting?: { readonly address: string; readonly port: number };
}

export interface NasStub extends Stub {
  /** Where it listens for RADIUS. */
  readonly radius: { readonly address: string; readonly port: number };
  sessions(): readonly NasSession[];
  /** Changes the mode; throws when a number is out of range. */
  setMode(
    mode: NasMode,
    options?: ModeOptions & { readonly cause?: number; readonly fail?: FailRatio },
  ): void;
}

/** Starts a stub of a RADIUS NAS. Rejects when it cannot listen at the address. */
export declare function stubNas(options?: NasStubOptions): Promise<NasStub>;
