import { findApiKey, formatApiKey, hashKeySecret, newKeySecret, publicPartOf } from '../domain/auth/api-key-text.ts';
import { createApiKey, isLive, keepOldHoursMax, revokeApiKey, rotateApiKey } from '../domain/auth/api-keys.ts';
import { findTenantOfKey } from '../domain/auth/key-claims.ts';
import { type KeyPermission, keyPermissions, permissionsOfKey } from '../domain/auth/permissions.ts';
import { reportApiKey } from '../domain/auth/report-key.ts';
import { may } from '../domain/auth/viewer.ts';
import { ConfirmationRequiredError, ForbiddenError, InvalidInputError, RateLimitedError } from '../domain/errors.ts';
import { type KeyColumn, prismaPage } from '../domain/page.ts';
import { builder } from './builder.ts';
import { keyset } from './keyset.ts';
import { findMember, Member } from './members.ts';
import { amongOwn, rowId } from './node.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const scopes: Record<KeyPermission, string> = {
  'tenant.read': 'Read the business profile.',
  'contacts.read': 'Read contacts, their tags, fields, consents and notes.',
  'contacts.write': 'Create and change contacts.',
  'contacts.assign': 'Give contacts to people who sell.',
  'contacts.reveal': 'Read phones and addresses that are masked.',
  'contacts.delete': 'Delete contacts.',
  'contacts.import': 'Import contacts from files.',
  'segments.read': 'Read segments.',
  'segments.write': 'Create, change and delete segments.',
  'settings.write': 'Change tags and custom fields.',
  'whatsapp.read': 'Read WhatsApp accounts and numbers.',
  'templates.read': 'Read templates.',
  'templates.write': 'Create, change and delete templates.',
  'campaigns.read': 'Read campaigns and their totals.',
  'campaigns.write': 'Create, launch, pause and cancel campaigns.',
  'messages.read': 'Read messages.',
  'messages.send': 'Send single messages.',
};

const nameOf = (permission: KeyPermission) => permission.replace('.', '_').toUpperCase();

export const ApiKeyScope = builder.enumType('ApiKeyScope', {
  description:
    'What a key may do. People, keys, partners’ credentials and the account itself take a person. What answers with an object takes the right to read it as well.',
  values: Object.fromEntries(keyPermissions.map((value) => [nameOf(value), { value, description: scopes[value] }])),
});

const ApiKeyStatus = builder.enumType('ApiKeyStatus', {
  description: 'Whether a key works.',
  values: {
    LIVE: { description: 'It opens the API.' },
    EXPIRED: { description: 'Its time is over.' },
    REVOKED: { description: 'It was ended: `revokedBecause` says why.' },
  } as const,
});

const ApiKeyRevocation = builder.enumType('ApiKeyRevocation', {
  description: 'Why a key was ended.',
  values: {
    REVOKED: { description: 'Somebody revoked it.' },
    ROTATED: { description: 'Its successor took over at once.' },
    REPORTED: { description: 'Somebody found it where it should not be, and reported it.' },
  } as const,
});

export const ApiKey = builder.prismaNode('ApiKey', {
  description:
    'What a program asks with, in place of a person: `Authorization: Bearer parley_live_…`. Its secret is shown once, when it is made. A key sees itself.',
  authScopes: async ({ id }, ctx) => {
    const viewer = await ctx.signedIn();
    return may(viewer, 'apiKeys.read') || (viewer.actor.type === 'API_KEY' && viewer.actor.id === id);
  },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What the key is for.' }),
    integration: t.exposeString('integration', {
      description:
        'The program that uses it. Each has at most two live keys, so that one can take over from the other.',
    }),
    scopes: t.field({
      type: [ApiKeyScope],
      description: 'What it may do.',
      select: { scopes: true },
      resolve: (key) => [...permissionsOfKey(key.scopes)],
    }),
    prefix: t.string({
      description: 'What the key begins with: no secret, and enough to find it by.',
      resolve: ({ id }) => publicPartOf(id),
    }),
    last4: t.exposeString('last4', { description: 'The last four characters of its secret.' }),
    allowedRanges: t.exposeStringList('allowedRanges', {
      description: 'The addresses that it may be used from, as `203.0.113.0/24`; from anywhere when empty.',
    }),
    status: t.field({
      type: ApiKeyStatus,
      description: 'Whether it works.',
      select: { revokedAt: true, expiresAt: true },
      resolve: (key, _args, ctx) => {
        if (isLive(key, ctx.services.now())) return 'LIVE';
        return key.revokedAt ? 'REVOKED' : 'EXPIRED';
      },
    }),
    createdBy: t.prismaField({
      type: Member,
      nullable: true,
      description: 'Who made it; null when that person has left.',
      select: { createdBy: true },
      resolve: (query, { createdBy }, _args, ctx) => findMember(ctx, createdBy, query),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it stops working; null for never.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was used last, to about a minute; null for never.',
    }),
    lastUsedAddress: t.exposeString('lastUsedAddress', {
      nullable: true,
      description: 'The address that it was used from then.',
    }),
    revokedAt: t.expose('revokedAt', { type: 'DateTime', nullable: true, description: 'When it was ended.' }),
    revokedBecause: t.field({
      type: ApiKeyRevocation,
      nullable: true,
      description: 'Why it was ended.',
      select: { revokedBecause: true },
      resolve: ({ revokedBecause }) => revokedBecause as 'REVOKED' | 'ROTATED' | 'REPORTED' | null,
    }),
    replacedBy: t.relation('replacedBy', { nullable: true, description: 'The key that takes over from it.' }),
  }),
});

const newestFirst: KeyColumn[] = [
  { field: 'createdAt', column: 'created_at', type: 'date', descending: true },
  { field: 'id', column: 'id', type: 'uuid', descending: true },
];

builder.queryField('apiKeys', (t) =>
  t.connection(
    {
      type: ApiKey,
      description: 'The tenant’s keys, the newest first; those that work no more stay listed.',
      authScopes: { may: 'apiKeys.read' },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        return keyset(newestFirst, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.apiKey.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, where] } });
        });
      },
    },
    { name: 'ApiKeyConnection', description: 'A page of keys.' },
    { name: 'ApiKeyEdge', description: 'A key on a page.' },
  ),
);

const NewApiKey = builder.objectRef<{ id: string; secret: string | null }>('NewApiKey').implement({
  description: 'A key that was just made.',
  fields: (t) => ({
    secret: t.exposeString('secret', {
      nullable: true,
      description:
        'The whole key, to be sent as `Authorization: Bearer …`. It is shown here and never again: null when the request was a repeat.',
    }),
    apiKey: t.prismaField({
      type: ApiKey,
      description: 'The key.',
      resolve: (query, { id }, _args, ctx) => ctx.tx.apiKey.findUniqueOrThrow({ ...query, where: amongOwn(id, ctx) }),
    }),
  }),
});

const ApiKeyCreateInput = builder.inputType('ApiKeyCreateInput', {
  description: 'A new key.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What it is for; 1 to 200 characters.' }),
    integration: t.string({
      required: true,
      description: 'The program that will use it; 1 to 200 characters. Each has at most two live keys.',
    }),
    scopes: t.field({ type: [ApiKeyScope], required: true, description: 'What it may do; as little as it needs.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it stops working; never, when left out.' }),
    allowedRanges: t.stringList({
      description:
        'The addresses it may be used from, IPv4 or IPv6, as `203.0.113.7` or `203.0.113.0/24`; at most 50. From anywhere, when left out.',
    }),
    ...idempotencyKey(t),
  }),
});

const ApiKeyRotateInput = builder.inputType('ApiKeyRotateInput', {
  description: 'The key to replace.',
  fields: (t) => ({
    apiKeyId: t.id({ required: true, description: 'Which key; one that works.' }),
    keepOldForHours: t.int({
      required: true,
      description: `How long the old key goes on, so that every machine can be given the new one: 0 to ${keepOldHoursMax} hours.`,
    }),
    ...idempotencyKey(t),
  }),
});

const ApiKeyRevokeInput = builder.inputType('ApiKeyRevokeInput', {
  description: 'The key to end.',
  fields: (t) => ({ apiKeyId: t.id({ required: true, description: 'Which key.' }), ...idempotencyKey(t) }),
});

const ApiKeyReportInput = builder.inputType('ApiKeyReportInput', {
  description: 'A key that was found where it should not be.',
  fields: (t) => ({
    key: t.string({
      required: true,
      description: 'The whole key, as `parley_live_…`, or the text in which it was found.',
    }),
  }),
});

const ApiKeyReported = builder.objectRef<{ at: Date }>('ApiKeyReported').implement({
  description: 'The report was taken. If it was a key that worked, it works no more; whether it did is not said.',
  fields: (t) => ({ at: t.expose('at', { type: 'DateTime', description: 'When.' }) }),
});

builder.mutationFields((t) => ({
  apiKeyCreate: t.field({
    type: NewApiKey,
    nullable: true,
    description: 'Makes a key. Its secret is in the answer, once.',
    authScopes: { may: 'apiKeys.write' },
    errors: { types: [...writeErrors, ForbiddenError, ConfirmationRequiredError] },
    args: { input: t.arg({ type: ApiKeyCreateInput, required: true, description: 'The key.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const secret = newKeySecret();
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => createApiKey(tx, viewer, input, secret, ctx.services),
        async ({ id }, isReplay) => newApiKey(id, isReplay ? null : secret),
      );
    },
  }),
  apiKeyRotate: t.field({
    type: NewApiKey,
    nullable: true,
    description:
      'Makes a successor of a key, with the same rights and as long a life. Both work for as long as the old one is kept; an integration has at most two live keys.',
    authScopes: { may: 'apiKeys.write' },
    errors: { types: [...writeErrors, ConfirmationRequiredError] },
    args: { input: t.arg({ type: ApiKeyRotateInput, required: true, description: 'The key to replace.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const apiKeyId = rowId('ApiKey', input.apiKeyId);
      const { keepOldForHours } = input;
      const secret = newKeySecret();
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => rotateApiKey(tx, viewer, { apiKeyId, keepOldForHours }, secret, ctx.services),
        async ({ id }, isReplay) => newApiKey(id, isReplay ? null : secret),
      );
    },
  }),
  apiKeyRevoke: t.field({
    type: ApiKey,
    nullable: true,
    description: 'Ends a key: its next request is refused, wherever it arrives. Safe to repeat.',
    authScopes: { may: 'apiKeys.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ApiKeyRevokeInput, required: true, description: 'The key to end.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const apiKeyId = rowId('ApiKey', input.apiKeyId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => revokeApiKey(tx, viewer, apiKeyId, ctx.services.now()),
        ({ id }) => ctx.tx.apiKey.findUnique({ ...selection(ctx, info, 'ApiKey'), where: amongOwn(id, ctx) }),
      );
    },
  }),
  apiKeyReport: t.field({
    type: ApiKeyReported,
    nullable: true,
    description:
      'Revokes a key that was found in public, as in a repository or a log: whoever reports it need not sign in. An unknown key gets the same answer.',
    authScopes: { public: true },
    errors: { types: [InvalidInputError, RateLimitedError] },
    args: { input: t.arg({ type: ApiKeyReportInput, required: true, description: 'The key.' }) },
    resolve: async (_root, { input }, ctx) => {
      const key = findApiKey(input.key);
      if (!key) throw new InvalidInputError([{ path: 'key', message: 'There is no whole key of ours in it.' }]);
      const { apiKeyId, secret } = key;
      const at = ctx.services.now();
      const tenantId = await ctx.write((tx) => findTenantOfKey(tx, apiKeyId), {});
      if (tenantId !== undefined) {
        const claims = { tenantId, apiKeyId, secretHash: hashKeySecret(secret) };
        await ctx.write((tx) => reportApiKey(tx, claims, ctx.origin, at), { tenantId });
      }
      return { at };
    },
  }),
}));

/** What was made, with its whole text where it may be shown. */
function newApiKey(id: string, secret: string | null): { id: string; secret: string | null } {
  return { id, secret: secret === null ? null : formatApiKey({ apiKeyId: id, secret }) };
}
