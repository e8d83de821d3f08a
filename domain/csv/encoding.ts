import { isAscii, isUtf8 } from 'node:buffer';
import { CsvError } from './csv-error.ts';

export const encodings = ['UTF-8', 'UTF-16LE', 'UTF-16BE', 'WINDOWS-1252', 'WINDOWS-1254'] as const;
export type Encoding = (typeof encodings)[number];

export type DetectedEncoding = {
  encoding: Encoding;
  /** The bytes of the byte order mark, before the text begins. */
  markBytes: number;
};

type Bytes = AsyncIterable<Buffer>;

/**
 * Finds out how a file is encoded, having read all of it. UTF-8 proves itself; what is neither UTF-8 nor UTF-16 is Windows-1254 where
 * the country or the letters are Turkish, and Windows-1252 elsewhere. Refuses archives, images and whatever else is no text.
 */
export async function detectEncoding(bytes: Bytes, country: string): Promise<DetectedEncoding> {
  const evidence = newEvidence();
  for await (const chunk of withWholeSample(bytes)) {
    const sure = evidence.seen === 0 ? knownBySample(chunk) : undefined;
    if (sure) return sure;
    weigh(evidence, chunk);
  }
  if (evidence.seen === 0) throw new CsvError('EMPTY', 'The file is empty.');
  if (evidence.pending > 0) evidence.invalid += 1;
  // Single-byte text hardly ever forms the sequences of UTF-8: where they outnumber the breaks, it is UTF-8 that was damaged.
  if (evidence.invalid === 0 || evidence.sequences > evidence.invalid) return { encoding: 'UTF-8', markBytes: 0 };
  const isTurkish = country === 'TR' || (evidence.turkish > 0 && !icelandic.has(country));
  return { encoding: isTurkish ? 'WINDOWS-1254' : 'WINDOWS-1252', markBytes: 0 };
}

/** The same bytes, their beginning in one piece. */
async function* withWholeSample(bytes: Bytes): AsyncGenerator<Buffer> {
  let sample: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of bytes) {
    if (!sample) {
      yield chunk;
      continue;
    }
    sample = Buffer.concat([sample, chunk]);
    if (sample.length < sampleBytes) continue;
    yield sample;
    sample = undefined;
  }
  if (sample && sample.length > 0) yield sample;
}

const sampleBytes = 4_096;

const signatures: [start: number[], what: string][] = [
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP archive or an Excel workbook'],
  [[0x50, 0x4b, 0x05, 0x06], 'a ZIP archive'],
  [[0x1f, 0x8b], 'a gzip archive'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'an old Excel workbook'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF document'],
  [[0x89, 0x50, 0x4e, 0x47], 'a PNG image'],
  [[0xff, 0xd8, 0xff], 'a JPEG image'],
  [[0x47, 0x49, 0x46, 0x38], 'a GIF image'],
  [[0x42, 0x5a, 0x68], 'a bzip2 archive'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'a Zstandard archive'],
  [[0x37, 0x7a, 0xbc, 0xaf], 'a 7-Zip archive'],
  [[0xfd, 0x37, 0x7a, 0x58], 'an xz archive'],
  [[0x52, 0x61, 0x72, 0x21], 'a RAR archive'],
];

function knownBySample(sample: Buffer): DetectedEncoding | undefined {
  const begins = (...start: number[]) => start.every((byte, at) => sample[at] === byte);
  for (const [start, what] of signatures) {
    if (begins(...start)) throw new CsvError('NOT_TEXT', `Expected CSV text, but the file is ${what}.`);
  }
  if (begins(0xef, 0xbb, 0xbf)) return { encoding: 'UTF-8', markBytes: 3 };
  if (begins(0xff, 0xfe)) return { encoding: 'UTF-16LE', markBytes: 2 };
  if (begins(0xfe, 0xff)) return { encoding: 'UTF-16BE', markBytes: 2 };
  const wide = looksLikeUtf16(sample);
  return wide && { encoding: wide, markBytes: 0 };
}

/** UTF-16 without a mark: Latin text has a zero in every other byte. Zeros in any other pattern are no text. */
function looksLikeUtf16(sample: Buffer): Encoding | undefined {
  const pairs = Math.floor(sample.length / 2);
  let [even, odd] = [0, 0];
  for (let at = 0; at < pairs * 2; at += 2) {
    if (sample[at] === 0) even += 1;
    if (sample[at + 1] === 0) odd += 1;
  }
  if (odd > pairs * 0.4 && even < pairs * 0.05) return 'UTF-16LE';
  if (even > pairs * 0.4 && odd < pairs * 0.05) return 'UTF-16BE';
  if (even + odd > sample.length * 0.1) throw new CsvError('NOT_TEXT', 'Expected CSV text, but the file is binary.');
  return undefined;
}

type Evidence = {
  seen: number;
  /** Whole sequences of more than one byte that are right in UTF-8. */
  sequences: number;
  invalid: number;
  /** Continuation bytes that the last sequence still lacks. */
  pending: number;
  turkish: number;
};
const newEvidence = (): Evidence => ({ seen: 0, sequences: 0, invalid: 0, pending: 0, turkish: 0 });

/** Ğ İ Ş ğ ı ş of Windows-1254: where Windows-1252 has letters of Icelandic only. */
const turkishBytes = new Set([0xd0, 0xdd, 0xde, 0xf0, 0xfd, 0xfe]);
const icelandic = new Set(['IS', 'FO']);

function weigh(evidence: Evidence, chunk: Buffer): void {
  if (chunk.length === 0) return;
  evidence.seen += chunk.length;
  if (evidence.pending === 0 && isUtf8(chunk)) {
    if (evidence.sequences < 1_000 && !isAscii(chunk)) evidence.sequences += countSequences(chunk);
    return;
  }
  for (const byte of chunk) {
    if (byte >= 0x80 && turkishBytes.has(byte)) evidence.turkish += 1;
    if (evidence.pending > 0) {
      if (byte >= 0x80 && byte < 0xc0) {
        evidence.pending -= 1;
        if (evidence.pending === 0) evidence.sequences += 1;
        continue;
      }
      evidence.pending = 0;
      evidence.invalid += 1;
    }
    if (byte < 0x80) continue;
    if (byte >= 0xc2 && byte < 0xe0) evidence.pending = 1;
    else if (byte >= 0xe0 && byte < 0xf0) evidence.pending = 2;
    else if (byte >= 0xf0 && byte < 0xf5) evidence.pending = 3;
    else evidence.invalid += 1;
  }
}

const countSequences = (chunk: Buffer) => chunk.reduce((count, byte) => (byte >= 0xc2 ? count + 1 : count), 0);
