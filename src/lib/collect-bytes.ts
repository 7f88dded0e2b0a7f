// Joins the chunks of a body as they come: kept one by one, a million chunks of one byte would take a hundred times their
// size. Used wherever a body is read, of clients and of upstreams.

/** Why a body is read no further; an Error is what `grow` said. */
export type BodyFault = 'too large' | 'too many chunks' | Error;

export interface CollectorBounds {
  /** Bytes in all. */
  readonly limit: number;
  /** How many are announced, if they are. */
  readonly declared?: number | undefined;
  /** Called before memory is taken: whether there may be this many bytes in all; else why not. */
  readonly grow?: (bytes: number) => Error | undefined;
}

const firstCapacity = 4 * 1_024;
/** Each chunk costs time as well; beyond the first ones they must hold this many bytes on average. */
const freeChunks = 1_024;
const minMeanBytes = 16;

/** A class, because one is made for each request. */
export class ByteCollector {
  private readonly bounds: CollectorBounds;
  /** One chunk as it came, or the buffer that all were copied to. */
  private buffer: Buffer | undefined = undefined;
  private length = 0;
  private chunks = 0;

  constructor(bounds: CollectorBounds) {
    this.bounds = bounds;
  }

  /** Copies what comes, within the bounds; why it does not, otherwise. */
  add(chunk: Buffer): BodyFault | undefined {
    const start = this.length;
    const length = start + chunk.length;
    this.length = length;
    if (length > this.bounds.limit) return 'too large';
    if (++this.chunks > freeChunks && length < this.chunks * minMeanBytes) return 'too many chunks';
    if (this.buffer && length <= this.buffer.length) {
      this.buffer.set(chunk, start);
      return undefined;
    }
    return this.enlarge(chunk, start);
  }

  /** All that came so far; nothing may be added after this. */
  bytes(): Buffer {
    const { buffer, length } = this;
    if (!buffer) return Buffer.alloc(0);
    return buffer.length === length ? buffer : buffer.subarray(0, length);
  }

  private enlarge(chunk: Buffer, start: number): Error | undefined {
    const { limit, declared = limit, grow } = this.bounds;
    const { buffer: earlier, length } = this;
    const doubled = earlier ? Math.max(length, 2 * earlier.length, firstCapacity) : length;
    const capacity = Math.min(doubled, limit, Math.max(declared, length));
    const refusal = grow?.(capacity);
    if (refusal) return refusal;
    if (!earlier) {
      this.buffer = chunk;
      return undefined;
    }
    const buffer = Buffer.allocUnsafeSlow(capacity);
    earlier.copy(buffer);
    buffer.set(chunk, start);
    this.buffer = buffer;
    return undefined;
  }
}

/** All bytes of a stream; undefined when there are more than `maxBytes`. Rejects as the stream does. */
export async function collectStream(
  source: AsyncIterable<unknown>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    const part = chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
    bytes += part.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}
