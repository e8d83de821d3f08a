import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { usePersistedOperations } from '@graphql-yoga/plugin-persisted-operations';
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { z } from 'zod';
import { looksLikeApiKey } from '../domain/auth/api-key-text.ts';
import { isPerson } from '../domain/auth/viewer.ts';
import type { Context } from '../schema/builder.ts';

/** The documents of our own front ends, by their SHA-256 in hex. */
export type Manifest = ReadonlyMap<string, string>;

export type PersistedOptions = {
  manifest: Manifest;
  /** `allow`: any document is run, and these by their hash. `only`: nothing else is. */
  mode: 'allow' | 'only';
  /** With `only`: whether programs with an API key may send documents of their own. */
  keysMaySendAny: boolean;
};

export const hashOf = (document: string): string => createHash('sha256').update(document).digest('hex');

/** Reads a manifest, and checks everything of it: a process that would answer some of its operations wrongly does not start. */
export async function readManifest(file: string, schema: GraphQLSchema): Promise<Manifest> {
  const entries = Object.entries(z.record(z.string(), z.string()).parse(JSON.parse(await readFile(file, 'utf8'))));
  const wrong = entries.flatMap(([hash, document]) => {
    if (hashOf(document) !== hash) return [`${hash} is not the hash of its document`];
    try {
      return validate(schema, parse(document)).map(({ message }) => `${hash}: ${message}`);
    } catch (error) {
      return [`${hash}: ${error instanceof Error ? error.message : 'cannot be parsed'}`];
    }
  });
  if (wrong.length > 0) throw new Error(`The manifest of operations is not right:\n${wrong.join('\n')}`);
  return new Map(entries);
}

type Given = { bill: { isOwnDocument?: boolean } };

/** Runs documents by their hash (`extensions.persistedQuery`, as Apollo's clients send it, or `documentId`), and maybe nothing else. */
export function persistedOperations({ manifest, mode, keysMaySendAny }: PersistedOptions): Plugin[] {
  const refuse = (message: string, code: string) => () =>
    new GraphQLError(message, { extensions: { code, http: { status: 400, spec: true } } });
  const notAllowed = refuse('Only operations that are listed may be sent here.', 'PERSISTED_OPERATION_REQUIRED');
  const mayTryAny = (authorization: string | null) =>
    mode === 'allow' || (keysMaySendAny && looksLikeApiKey((authorization ?? '').replace(/^Bearer /i, '')));
  return [
    usePersistedOperations({
      allowArbitraryOperations: (request) => mayTryAny(request.headers.get('authorization')),
      extractPersistedOperationId(params) {
        const { documentId, extensions } = params as { documentId?: unknown; extensions?: Record<string, unknown> };
        const { sha256Hash } = (extensions?.['persistedQuery'] ?? {}) as { sha256Hash?: unknown };
        const id = sha256Hash ?? documentId;
        return typeof id === 'string' ? id.replace(/^sha256:/, '') : null;
      },
      getPersistedOperation: (hash) => manifest.get(hash) ?? null,
      customErrors: {
        notFound: refuse('PersistedQueryNotFound', 'PERSISTED_QUERY_NOT_FOUND'),
        keyNotFound: refuse('Expected a document, or the hash of one.', 'BAD_REQUEST'),
        persistedQueryOnly: notAllowed,
      },
    }) as Plugin,
    {
      onParams({ params, context }) {
        const { bill } = context as unknown as Given;
        const { query } = params;
        bill.isOwnDocument = typeof query === 'string' && manifest.get(hashOf(query)) !== query;
      },
      async onExecute({ args: { contextValue } }) {
        const { bill, viewer } = contextValue as unknown as Given & Context;
        if (mode !== 'only' || !bill.isOwnDocument) return;
        const asking = await viewer(); // what looks like a key may be none
        if (!asking || isPerson(asking)) throw notAllowed();
      },
    },
  ];
}
