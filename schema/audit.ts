import { encodeGlobalID } from '@pothos/plugin-relay';
import { findActorNames } from '../domain/audit/actor-names.ts';
import { auditExportLink, auditExportLinkMs, beginExport } from '../domain/audit/export.ts';
import { type AuditFilter, whereEntries } from '../domain/audit/find-entries.ts';
import { requireRecent } from '../domain/auth/step-up.ts';
import type { Actor } from '../domain/auth/viewer.ts';
import { ConfirmationRequiredError, InvalidInputError } from '../domain/errors.ts';
import { signLink } from '../domain/links.ts';
import { type KeyColumn, prismaPage } from '../domain/page.ts';
import { batched } from './batch.ts';
import { builder, type Context } from './builder.ts';
import { keyset } from './keyset.ts';
import { amongOwn, known, rowIdOfAny } from './node.ts';
import { idempotencyKey, write, writeErrors } from './write.ts';

const AuditActorType = builder.enumType('AuditActorType', {
  description: 'What kind of actor did something.',
  values: {
    PERSON: { description: 'A person who was signed in.' },
    API_KEY: { description: 'A program with an API key.' },
    SYSTEM: { description: 'Parley itself: by the clock, or because a partner said so.' },
  } as const,
});

const globalTypes = { PERSON: 'User', API_KEY: 'ApiKey' } as const;

const AuditActor = builder.objectRef<Actor>('AuditActor').implement({
  description: 'Who did something.',
  fields: (t) => ({
    type: t.expose('type', { type: AuditActorType, description: 'Which kind.' }),
    id: t.id({
      nullable: true,
      description: 'The global id of the person or API key, also when it is gone since; null for Parley itself.',
      resolve: ({ type, id }) => (type === 'SYSTEM' || id === null ? null : encodeGlobalID(globalTypes[type], id)),
    }),
    name: t.string({
      nullable: true,
      description:
        'What the person or API key is called now; null for Parley itself, and when the person no longer works for the tenant.',
      resolve: async ({ type, id }, _args, ctx) => {
        if (type === 'SYSTEM' || id === null) return null;
        const { tenantId } = known(ctx);
        return (await batched(ctx, 'actorName', id, (ids) => findActorNames(ctx.tx, tenantId, ids))) ?? null;
      },
    }),
  }),
});

const AuditTarget = builder.objectRef<{ type: string; id: string | null }>('AuditTarget').implement({
  description: 'What something was done to.',
  fields: (t) => ({
    type: t.exposeString('type', { description: 'Its type in this API, as `Contact`.' }),
    id: t.id({
      nullable: true,
      description: 'The global id that it has or had; null where many were meant.',
      resolve: ({ type, id }) => (id === null ? null : encodeGlobalID(type, id)),
    }),
  }),
});

export const AuditEntry = builder.prismaNode('AuditEntry', {
  description:
    'Something that was done to rights, credentials, money or personal data. Nobody can change or delete an entry; it goes after two years.',
  authScopes: { may: 'audit.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was done.' }),
    action: t.exposeString('action', {
      description: 'What was done, as `contact.delete` or `campaign.launch`. Actions are added over time.',
    }),
    actor: t.field({
      type: AuditActor,
      description: 'Who did it.',
      select: { actorType: true, actorId: true },
      resolve: ({ actorType, actorId }) => ({ type: actorType as Actor['type'], id: actorId }),
    }),
    target: t.field({
      type: AuditTarget,
      description: 'What it was done to.',
      select: { targetType: true, targetId: true },
      resolve: ({ targetType, targetId }) => ({ type: targetType, id: targetId }),
    }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The address that the request came from; null where there was none.',
    }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'The id of the request, as its answer had it in `x-request-id`.',
    }),
    before: t.expose('before', {
      type: 'JSON',
      nullable: true,
      description: 'What it was like before, as far as that is kept: no personal data, no texts, no secrets.',
    }),
    after: t.expose('after', { type: 'JSON', nullable: true, description: 'What it was like afterwards, likewise.' }),
  }),
});

const actionsMax = 100;

const AuditEntryFilter = builder.inputType('AuditEntryFilter', {
  description: 'Which entries: all that is said must fit.',
  fields: (t) => ({
    actions: t.stringList({ description: `Of one of these actions, as \`contact.delete\`; at most ${actionsMax}.` }),
    actorId: t.id({ description: 'Done by this person or API key.' }),
    targetId: t.id({ description: 'Done to this object.' }),
    since: t.field({ type: 'DateTime', description: 'At this time or later.' }),
    until: t.field({ type: 'DateTime', description: 'Before this time.' }),
  }),
});

const newestFirst: KeyColumn[] = [{ field: 'id', column: 'id', type: 'uuid', descending: true }];

function readFilter(filter: typeof AuditEntryFilter.$inferInput | null | undefined): AuditFilter {
  const { actions, actorId, targetId, since, until } = filter ?? {};
  if (actions && actions.length > actionsMax) {
    throw new InvalidInputError([{ path: 'filter.actions', message: `Expected at most ${actionsMax} actions.` }]);
  }
  return {
    ...(actions ? { actions } : {}),
    ...(actorId ? { actorId: rowIdOfAny(actorId) } : {}),
    ...(targetId ? { targetId: rowIdOfAny(targetId) } : {}),
    ...(since ? { since } : {}),
    ...(until ? { until } : {}),
  };
}

builder.queryField('auditEntries', (t) =>
  t.connection(
    {
      type: AuditEntry,
      description: 'What was done in the tenant, and by whom; the newest first.',
      authScopes: { may: 'audit.read' },
      args: { filter: t.arg({ type: AuditEntryFilter, description: 'Which; all when left out.' }) },
      resolve: async (_root, { filter, ...args }, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        const wanted = whereEntries(tenantId, readFilter(filter));
        return keyset(newestFirst, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.auditEntry.findMany({ ...query, ...rest, where: { AND: [wanted, where] } });
        });
      },
    },
    { name: 'AuditEntryConnection', description: 'A page of the audit log.' },
    { name: 'AuditEntryEdge', description: 'An entry on a page of the audit log.' },
  ),
);

type Export = { url: string | null; expiresAt: Date | null };

const AuditExport = builder.objectRef<Export>('AuditExport').implement({
  description: 'A file with entries of the audit log.',
  fields: (t) => ({
    url: t.exposeString('url', {
      nullable: true,
      description:
        'Where the file can be downloaded as CSV, once and without signing in. It is a secret, shown only here: null in the answer to a repeated request.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: `Until when, ${auditExportLinkMs / 60_000} minutes from now; null with the URL.`,
    }),
  }),
});

const AuditExportInput = builder.inputType('AuditExportInput', {
  description: 'What to export.',
  fields: (t) => ({
    filter: t.field({ type: AuditEntryFilter, description: 'Which entries; all when left out.' }),
    ...idempotencyKey(t),
  }),
});

/** The link of a new export: for this answer only. */
function linkOf(ctx: Context, by: { tenantId: string; actor: Actor }, id: string): Export {
  const { services } = ctx;
  const expiresAt = new Date(services.now().getTime() + auditExportLinkMs);
  const link = { tenantId: by.tenantId, id, by: by.actor, expiresAt };
  const token = signLink(services.keys.secrets, auditExportLink, link);
  return { url: `${services.publicUrl}/audit/${token}/audit.csv`, expiresAt };
}

builder.mutationField('auditExport', (t) =>
  t.field({
    type: AuditExport,
    nullable: true,
    description:
      'Gives a one-time link to the audit log as a CSV, the newest entries first. The export is an entry itself. Takes a fresh proof of who you are.',
    authScopes: { may: 'audit.read' },
    errors: { types: [...writeErrors, ConfirmationRequiredError] },
    args: { input: t.arg({ type: AuditExportInput, required: true, description: 'What to export.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const filter = readFilter(input.filter);
      return write(
        ctx,
        info,
        input,
        async (tx, viewer) => {
          requireRecent(viewer, ctx.services);
          return beginExport(tx, viewer, filter);
        },
        async ({ id }, isReplay) => (isReplay ? { url: null, expiresAt: null } : linkOf(ctx, await ctx.signedIn(), id)),
      );
    },
  }),
);
