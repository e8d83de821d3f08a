import { deviceOf } from '../domain/auth/device.ts';
import {
  endOtherSessions,
  endOwnSession,
  findSessions,
  listSessions,
  type OwnSession,
} from '../domain/auth/own-sessions.ts';
import { isPerson } from '../domain/auth/viewer.ts';
import type { KeyColumn } from '../domain/page.ts';
import { builder } from './builder.ts';
import { Deleted } from './deleted.ts';
import { connectionOf, readPage } from './keyset.ts';
import { known, rowId } from './node.ts';
import { idempotencyKey, write, writeErrors } from './write.ts';

const newestFirst: KeyColumn[] = [
  { field: 'createdAt', column: 'created_at', type: 'date', descending: true },
  { field: 'id', column: 'id', type: 'uuid', descending: true },
];

const UserSession = builder.objectRef<OwnSession>('UserSession');

builder.node(UserSession, {
  description: 'One of your own sessions that is open. Nobody else’s can be seen.',
  authScopes: { person: true },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'lastUsedAt' in value && 'userAgent' in value,
  loadManyWithoutCache: async (ids, ctx) => {
    const viewer = known(ctx);
    if (!isPerson(viewer)) return ids.map(() => null);
    const found = await findSessions(ctx.tx, viewer.userId, ids, ctx.services.now());
    return ids.map((id) => found.find((session) => session.id === id) ?? null);
  },
  fields: (t) => ({
    isCurrent: t.boolean({
      description: 'Whether it is the one that asks.',
      resolve: ({ id }, _args, ctx) => {
        const viewer = known(ctx);
        return isPerson(viewer) && viewer.sessionId === id;
      },
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it began.' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', description: 'When it was last refreshed.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends in any case.' }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The internet address that it was last refreshed from; null where it is not known.',
    }),
    device: t.string({
      nullable: true,
      description: 'The program and system that it is used with, as `Firefox, Windows`; null where it says nothing.',
      resolve: ({ userAgent }) => deviceOf(userAgent) ?? null,
    }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'What the program calls itself, in full.' }),
  }),
});

builder.queryField('sessions', (t) =>
  t.connection(
    {
      type: UserSession,
      description: 'Your own open sessions, for whatever tenant; the newest first.',
      authScopes: { person: true },
      resolve: async (_root, args, ctx) => {
        const { userId } = await ctx.person();
        const page = readPage(newestFirst, args);
        return connectionOf(newestFirst, page, await listSessions(ctx.tx, userId, page, ctx.services.now()));
      },
    },
    { name: 'UserSessionConnection', description: 'A page of sessions.' },
    { name: 'UserSessionEdge', description: 'A session on a page.' },
  ),
);

const SessionEndInput = builder.inputType('SessionEndInput', {
  description: 'Which session is over.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'One of your own.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('sessionEnd', (t) =>
  t.field({
    type: Deleted,
    nullable: true,
    description: 'Ends one of the own sessions: neither of its tokens opens anything any more.',
    authScopes: { person: true },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: SessionEndInput, required: true, description: 'Which session is over.' }) },
    resolve: async (_root, { input }, ctx, info) => {
      const viewer = await ctx.person();
      return write(
        ctx,
        info,
        input,
        async (tx) => {
          await endOwnSession(tx, viewer, rowId('UserSession', input.sessionId), ctx.services.now());
          return { id: input.sessionId };
        },
        (outcome) => Promise.resolve(outcome),
      );
    },
  }),
);

const SessionsEnded = builder.objectRef<{ count: number }>('SessionsEnded').implement({
  description: 'How many sessions have ended.',
  fields: (t) => ({ count: t.exposeInt('count', { description: 'How many there were.' }) }),
});

const SessionsEndOthersInput = builder.inputType('SessionsEndOthersInput', {
  description: 'Ends all but this session.',
  fields: (t) => ({ ...idempotencyKey(t) }),
});

builder.mutationField('sessionsEndOthers', (t) =>
  t.field({
    type: SessionsEnded,
    nullable: true,
    description: 'Ends all of the own sessions but the one that asks, for whatever tenant.',
    authScopes: { person: true },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: SessionsEndOthersInput, required: true, description: 'Ends all but this one.' }) },
    resolve: async (_root, { input }, ctx, info) => {
      const viewer = await ctx.person();
      return write(
        ctx,
        info,
        input,
        async (tx) => ({ count: await endOtherSessions(tx, viewer, ctx.services.now()) }),
        (outcome) => Promise.resolve(outcome),
      );
    },
  }),
);
