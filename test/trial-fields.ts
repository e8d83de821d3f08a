// Fields that only tests have, on the schema that everybody has: for what no field of ours does on purpose.
import { randomUUID } from 'node:crypto';
import { ConflictError, RateLimitedError } from '../domain/errors.ts';
import type { Tx } from '../prisma/client.ts';
import { builder } from '../schema/builder.ts';
import { Tenant } from '../schema/tenants.ts';
import { write, writeErrors } from '../schema/write.ts';

/** Lets a test say when the resolver goes on that outlives its parent, and see what came of it. */
export const orphan = { goOn: Promise.withResolvers<void>(), outcome: Promise.withResolvers<unknown>() };

const Failure = builder.enumType('TrialFailure', { values: ['TYPED', 'BUSY', 'BUG'] as const });

const Trial = builder.objectRef<{ tag: string }>('Trial').implement({
  fields: (t) => ({
    tag: t.exposeString('tag'),
    tags: t.stringList({ resolve: (_parent, _args, ctx) => tagNames(ctx.tx) }),
    tenant: t.prismaField({
      type: Tenant,
      resolve: async (query, _parent, _args, ctx) =>
        ctx.tx.tenant.findUniqueOrThrow({ ...query, where: { id: (await ctx.signedIn()).tenantId } }),
    }),
    broken: t.string({ resolve: () => Promise.reject(new Error('broken on purpose')) }),
    late: t.string({
      resolve: async (_parent, _args, ctx) => {
        await orphan.goOn.promise;
        const read = tagNames(ctx.tx).then(
          () => 'it read',
          (error: unknown) => error,
        );
        orphan.outcome.resolve(await read);
        return 'late';
      },
    }),
  }),
});

builder.queryFields((t) => ({
  trialTags: t.stringList({ authScopes: { signedIn: true }, resolve: (_root, _args, ctx) => tagNames(ctx.tx) }),
  trialOrphan: t.field({ type: Trial, authScopes: { signedIn: true }, resolve: () => ({ tag: 'none' }) }),
  trialSleep: t.boolean({ authScopes: { signedIn: true }, resolve: (_root, _args, ctx) => sleep(ctx.tx) }),
  trialEcho: t.field({
    type: 'JSON',
    nullable: true,
    authScopes: { public: true },
    args: { text: t.arg.string(), number: t.arg.int(), any: t.arg({ type: 'JSON' }) },
    resolve: (_root, args) => args,
  }),
  trialThrow: t.boolean({
    nullable: true,
    authScopes: { public: true },
    args: { what: t.arg.string({ required: true }) },
    resolve: (_root, { what }) => {
      throw thrown.get(what) ?? new Error('nothing to throw');
    },
  }),
}));

/** Operations as they were parsed: a document that is kept parsed comes by as the same object. */
const seen = new WeakSet<object>();

builder.queryField('trialSeenBefore', (t) =>
  t.boolean({
    authScopes: { public: true },
    resolve: (_root, _args, _ctx, { operation }) => {
      const isKnown = seen.has(operation);
      seen.add(operation);
      return isKnown;
    },
  }),
);

/** What `trialThrow` throws, by name. */
export const thrown = new Map<string, unknown>();

builder.mutationFields((t) => ({
  trialWrite: t.field({
    type: Trial,
    nullable: true,
    authScopes: { signedIn: true },
    errors: { types: [...writeErrors, RateLimitedError] },
    args: {
      name: t.arg.string({ required: true }),
      fail: t.arg({ type: Failure }),
      idempotencyKey: t.arg.string(),
    },
    resolve: (_root, input, ctx, info) =>
      write(
        ctx,
        info,
        input,
        async (tx, { tenantId }) => {
          const { name, fail } = input;
          await tx.tag.create({ data: { tenantId, name, nameKey: name } });
          if (fail === 'TYPED') throw new ConflictError('Refused.');
          if (fail === 'BUSY') throw new RateLimitedError('Busy.', 3);
          if (fail === 'BUG') throw new Error('a bug on purpose');
          return { tag: name };
        },
        (outcome) => Promise.resolve(outcome),
      ),
  }),
  trialSleepWriting: t.boolean({
    nullable: true,
    authScopes: { signedIn: true },
    resolve: async (_root, _args, ctx) => {
      const { tenantId } = await ctx.signedIn();
      return ctx.write(async (tx) => {
        await tx.tag.create({ data: { tenantId, name: 'a', nameKey: 'a' } });
        return sleep(tx);
      });
    },
  }),
}));

const Reach = builder.enumType('TrialReach', { values: ['UPDATE', 'REFERENCE', 'RAW_REFERENCE'] as const });

builder.mutationField('trialReach', (t) =>
  t.field({
    type: Trial,
    nullable: true,
    description: 'Reaches for a row that is not there.',
    authScopes: { signedIn: true },
    errors: { types: writeErrors },
    args: { how: t.arg({ type: Reach, required: true }) },
    resolve: (_root, { how }, ctx, info) =>
      write(
        ctx,
        info,
        {},
        async (tx, { tenantId }) => {
          const [contactId, tagId] = [randomUUID(), randomUUID()];
          if (how === 'UPDATE') {
            await tx.tag.update({ where: { tenantId_id: { tenantId, id: tagId } }, data: { name: 'b' } });
          } else if (how === 'REFERENCE') {
            await tx.contactTag.create({ data: { tenantId, contactId, tagId } });
          } else {
            await tx.$executeRaw`insert into contact_tags (tenant_id, contact_id, tag_id)
              values (${tenantId}::uuid, ${contactId}::uuid, ${tagId}::uuid)`;
          }
          return { tag: 'reached' };
        },
        (outcome) => Promise.resolve(outcome),
      ),
  }),
);

async function tagNames(tx: Tx): Promise<string[]> {
  const tags = await tx.tag.findMany({ select: { name: true }, orderBy: { name: 'asc' } });
  return tags.map(({ name }) => name);
}

async function sleep(tx: Tx): Promise<boolean> {
  await tx.$queryRaw`select 1 as slept from pg_sleep(600)`;
  return true;
}
