import { encodeGlobalID } from '@pothos/plugin-relay';
import type { Role as RoleName } from '../domain/auth/permissions.ts';
import { isPerson } from '../domain/auth/viewer.ts';
import { ConflictError } from '../domain/errors.ts';
import { endOfSession, findWorkplaces, switchSession, type Workplace } from '../domain/members/switch-session.ts';
import type { OpenSession } from '../domain/auth/sessions.ts';
import { answerWith, Session, Viewer } from './auth.ts';
import { builder } from './builder.ts';
import { known, rowId } from './node.ts';
import { Role } from './roles.ts';
import { idempotencyKey, write, writeErrors } from './write.ts';

const Membership = builder.objectRef<Workplace>('Membership').implement({
  description: 'A tenant that the person who is signed in works for.',
  fields: (t) => ({
    tenantId: t.id({
      description: 'The global id of the tenant: what `sessionSwitch` takes.',
      resolve: ({ tenantId }) => encodeGlobalID('Tenant', tenantId),
    }),
    tenantName: t.exposeString('name', { description: 'What the business calls itself.' }),
    role: t.field({
      type: Role,
      description: 'What the person may do there.',
      resolve: ({ role }) => role as RoleName,
    }),
    joinedAt: t.expose('joinedAt', { type: 'DateTime', description: 'When the person joined.' }),
    isCurrent: t.boolean({
      description: 'Whether this session is for it.',
      resolve: ({ tenantId }, _args, ctx) => known(ctx).tenantId === tenantId,
    }),
  }),
});

builder.objectField(Viewer, 'memberships', (t) =>
  t.field({
    type: [Membership],
    description:
      'Where the person works, in the order of joining; a sign-in begins with the first. Empty when it is a program.',
    resolve: (viewer, _args, ctx) => (isPerson(viewer) ? findWorkplaces(ctx.tx) : []),
  }),
);

const SessionSwitchInput = builder.inputType('SessionSwitchInput', {
  description: 'Where to work.',
  fields: (t) => ({
    tenantId: t.id({ required: true, description: 'Which tenant: one of `viewer.memberships`.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('sessionSwitch', (t) =>
  t.field({
    type: Session,
    nullable: true,
    description:
      'Begins a session of the same person for another of their tenants. This one goes on: end it with `signOut` if it is not needed. The new one is as freshly proven and ends no later. Its tokens are shown once: a repeat with the same idempotency key is a conflict.',
    authScopes: { person: true },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: SessionSwitchInput, required: true, description: 'Where to work.' }) },
    resolve: async (_root, { input }, ctx, info) => {
      const tenantId = rowId('Tenant', input.tenantId);
      const viewer = await ctx.person();
      let session: OpenSession | undefined;
      return write(
        ctx,
        info,
        input,
        async (tx) => {
          const endsAt = await endOfSession(tx, viewer);
          session = await switchSession(tx, viewer, tenantId, endsAt, ctx.services.now());
          return { sessionId: session.claims.sessionId };
        },
        async () => {
          if (!session) throw new ConflictError('This request was answered before: its tokens are not shown again.');
          return answerWith(ctx, session);
        },
      );
    },
  }),
);
