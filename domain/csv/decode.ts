import { CsvError } from './csv-error.ts';
import type { Encoding } from './encoding.ts';

/**
 * The text of a file, piece by piece. When bytes cannot be read in its encoding, what stands before them comes first, so that
 * whoever reads knows the line, and then it throws `UndecodableError`.
 */
export async function* decodeText(bytes: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<string> {
  const strict = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const whole = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const cut = whole.length - openBytes(whole, encoding);
    rest = whole.subarray(cut);
    yield* decodePiece(strict, whole.subarray(0, cut), encoding);
  }
  if (rest.length > 0) yield* decodePiece(strict, rest, encoding);
}

/** Bytes that cannot be text of the file's encoding. */
export class UndecodableError extends Error {
  readonly encoding: Encoding;
  constructor(encoding: Encoding) {
    super(`The bytes are not ${encoding}.`);
    this.encoding = encoding;
  }
}

export function undecodableAt(line: number, { encoding }: UndecodableError): CsvError {
  return new CsvError(
    'NOT_DECODABLE',
    `Line ${line} holds bytes that are not ${encoding}, which the rest of the file is. Please save the file as UTF-8 again.`,
    line,
  );
}

function* decodePiece(strict: TextDecoder, piece: Buffer, encoding: Encoding): Generator<string> {
  let text: string;
  try {
    text = strict.decode(piece);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [readable = ''] = new TextDecoder(encoding, { ignoreBOM: true }).decode(piece).split('\uFFFD', 1);
    yield readable;
    throw new UndecodableError(encoding);
  }
  yield text;
}

/** How many bytes at the end belong to a character that goes on in the next piece. */
function openBytes(bytes: Buffer, encoding: Encoding): number {
  const { length } = bytes;
  if (encoding === 'UTF-8') {
    for (let back = 1; back <= Math.min(3, length); back += 1) {
      const byte = bytes[length - back] ?? 0;
      if (byte < 0x80) return 0;
      if (byte < 0xc0) continue; // in the midst of a sequence: look for its beginning
      return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
    }
    return 0;
  }
  if (encoding !== 'UTF-16LE' && encoding !== 'UTF-16BE') return 0;
  const odd = length % 2;
  const high = bytes[encoding === 'UTF-16LE' ? length - odd - 1 : length - odd - 2];
  return high !== undefined && high >= 0xd8 && high < 0xdc ? odd + 2 : odd;
}

/** How many bytes a text takes in an encoding: where in the file a place of the text is. */
export function byteLengthIn(encoding: Encoding, text: string): number {
  if (encoding === 'UTF-8') return Buffer.byteLength(text);
  return encoding === 'UTF-16LE' || encoding === 'UTF-16BE' ? text.length * 2 : text.length;
}
