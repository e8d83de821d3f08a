import { z } from 'zod';
import { type MetaRefusal, readJson, readRefusal } from './json.ts';
import type { Meta, MetaRequest } from './meta.ts';

/** What became of a call that is not a send. */
export type GraphResult<T> =
  | { kind: 'ok'; value: T }
  | { kind: 'refused'; refusal: MetaRefusal }
  /** No answer that says anything. `mayHaveWorked`: it may have been done all the same. */
  | { kind: 'unavailable'; mayHaveWorked: boolean; retryAfter: number };

/** Meta's ids, which may come as numbers: texts here. */
export const GraphId = z.union([z.string().min(1), z.number().transform(String)]);

/** Limits: nothing was done. */
const laterCodes: Readonly<Record<number, number>> = { 4: 300, 17: 300, 32: 300, 613: 300, 80007: 300, 80008: 300 };
/** Troubles at Meta: whether anything was done is not known (reference: whatsapp-cloud-api, section 6.2, column Dup). */
const doubtful = new Set([1, 2, 131000, 131016, 133004]);

const managementTimeoutMs = 8_000;

/** One call of the Graph API, its answer read as the shape; says what happened and throws nothing. */
export async function graph<T>(
  meta: Meta,
  request: MetaRequest,
  shape: z.ZodType<T>,
  signal?: AbortSignal,
): Promise<GraphResult<T>> {
  const answer = await meta.call({ timeoutMs: managementTimeoutMs, ...request }, signal);
  if (answer.kind !== 'answer') return { kind: 'unavailable', mayHaveWorked: answer.kind === 'lost', retryAfter: 30 };
  if (answer.status >= 200 && answer.status < 300) {
    const read = shape.safeParse(readJson(answer.text));
    return read.success
      ? { kind: 'ok', value: read.data }
      : { kind: 'unavailable', mayHaveWorked: true, retryAfter: 60 };
  }
  const refusal = readRefusal(answer.text);
  if (!refusal) return { kind: 'unavailable', mayHaveWorked: true, retryAfter: 60 }; // from something between us and Meta
  const wait = laterCodes[refusal.code];
  if (wait !== undefined) return { kind: 'unavailable', mayHaveWorked: false, retryAfter: wait };
  if (doubtful.has(refusal.code) || refusal.isTransient)
    return { kind: 'unavailable', mayHaveWorked: true, retryAfter: 60 };
  return { kind: 'refused', refusal };
}

export const Success = z.object({ success: z.literal(true) });

/** A page of a list, and the cursor behind it while more follows. */
export type GraphPage<T> = { items: T[]; after: string | null };

/** The shape of a page; an element that cannot be read is left out, and takes no other with it. */
export function pageOf<T>(shape: z.ZodType<T>): z.ZodType<GraphPage<T>> {
  const paging = z
    .object({ cursors: z.object({ after: z.string().optional() }).optional(), next: z.string().optional() })
    .optional()
    .catch(undefined);
  return z.object({ data: z.array(z.unknown()), paging }).transform(({ data, paging }) => ({
    items: data.flatMap((element) => {
      const read = shape.safeParse(element);
      return read.success ? [read.data] : [];
    }),
    after: paging?.next === undefined ? null : (paging.cursors?.after ?? null),
  }));
}
