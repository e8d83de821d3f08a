import type { IncomingHttpHeaders } from 'node:http';
import type { Json } from '../json.ts';

/** One request, read and parsed. */
export type Call = {
  method: string;
  /** The path below the version. */
  segments: string[];
  query: URLSearchParams;
  headers: IncomingHttpHeaders & { file_offset?: string };
  bytes: Buffer;
  /** Query, form and JSON body in one, as the Graph API takes them. */
  params: Json;
};

export type Answer = { status: number; body: string | Buffer; headers?: Record<string, string> };

export function ok(value: unknown, headers?: Record<string, string>): Answer {
  return { status: 200, body: JSON.stringify(value), ...(headers ? { headers } : {}) };
}

/** How an exchange ends when it does not end with an answer. */
export type Exchange = {
  reply(answer: Answer): void;
  /** Cuts the connection without an answer. */
  cut(): void;
  /** False when the other side is gone already. */
  isOpen(): boolean;
};
