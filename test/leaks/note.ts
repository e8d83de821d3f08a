import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { looksLikeApiKey } from '../../domain/auth/api-key-text.ts';
import { passwordProblem } from '../../domain/auth/password-rules.ts';
import { secretLengthMin } from './finder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the run keeps what its tests held secret and what they wrote: compared when it is over, by check.ts. */
    leaksFolder: string;
  }
}

const append = (file: string, text: string) => {
  if (text !== '') appendFileSync(join(inject('leaksFolder'), `${file}.${process.pid}`), text);
};

/** Says that nobody may ever read this: no log, no job, no error. */
export function keepSecret(kind: string, ...secrets: (string | null | undefined)[]): void {
  const kept = secrets.filter((text) => typeof text === 'string' && text.length >= secretLengthMin);
  append('secrets', kept.map((text) => `${JSON.stringify({ kind, text })}\n`).join(''));
}

/** Hands in what the system wrote, for whoever reads logs, queues and disks. */
export function noteOutput(source: string, ...texts: string[]): void {
  const oneLine = (text: string) => text.replaceAll(/[\n\r\u2028\u2029]/g, '\\n'); // whatever ends a line for check.ts
  append('written', texts.map((text) => `${source}\t${oneLine(text)}\n`).join(''));
}

/** Names under which the API takes or gives what is secret, or what tells who a person is. */
const secretFields =
  /^(accessToken|refreshToken|challenge|secret|uri|codes|recoveryCode|password|(new|current|old)Password|token|pin|key|email|phone|to|url|errorFileUrl)$/;

/** Looks through what went in or came out of an operation, and keeps what is secret in it. */
export function keepSecretsOf(value: unknown, within = ''): void {
  if (typeof value === 'string') {
    if (secretFields.test(within) && !isKnownToAll(within, value)) keepSecret(within, secretPartOf(value));
  } else if (Array.isArray(value)) {
    for (const inner of value) keepSecretsOf(inner, within);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) keepSecretsOf(inner, name);
  }
}

/**
 * Words that stand in our code and tables anyway: the key of a custom field, a state to go on `to`, a password that is refused, the number that our
 * errors show as an example.
 */
function isKnownToAll(field: string, text: string): boolean {
  if (field === 'key') return !looksLikeApiKey(text);
  if (field === 'to') return !/\d/.test(text);
  return text === '+5511987654321' || (/password$/i.test(field) && passwordProblem(text) !== undefined);
}

/** Of a link only its token: the rest of it is known to everybody. */
function secretPartOf(text: string): string | null {
  if (!/^\w+:\/\//.test(text)) return text;
  return /[?&]secret=(\w+)/.exec(text)?.[1] ?? /[\w-]{24,}/.exec(text)?.[0] ?? null;
}
