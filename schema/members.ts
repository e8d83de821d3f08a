import { encodeGlobalID } from '@pothos/plugin-relay';
import type { Role as RoleName } from '../domain/auth/permissions.ts';
import { may } from '../domain/auth/viewer.ts';
import { ConfirmationRequiredError, ForbiddenError } from '../domain/errors.ts';
import { findMembersWithTotp } from '../domain/members/find-members.ts';
import { removeMember, setMemberRole, transferOwnership } from '../domain/members/members.ts';
import { type KeyColumn, prismaPage } from '../domain/page.ts';
import { batched } from './batch.ts';
import { builder, type Context } from './builder.ts';
import { Deleted } from './deleted.ts';
import { keyset } from './keyset.ts';
import { known, rowId } from './node.ts';
import { Role } from './roles.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

/** How a member is looked up: among those of the own tenant, by the person's id. */
const amongMembers = (userId: string, ctx: Context) => ({
  tenantId_userId: { tenantId: known(ctx).tenantId, userId },
});

export const Member = builder.prismaNode('Membership', {
  variant: 'Member',
  description: 'Somebody who works for the tenant.',
  authScopes: { may: 'members.read' },
  id: { resolve: ({ userId }) => userId, description: 'The global id.' },
  select: { userId: true },
  findUnique: amongMembers,
  nullable: true,
  fields: (t) => ({
    name: t.string({
      description: 'What the person is called.',
      select: { user: { select: { name: true } } },
      resolve: ({ user }) => user.name,
    }),
    email: t.string({
      description: 'The address the person signs in with.',
      select: { user: { select: { email: true } } },
      resolve: ({ user }) => user.email,
    }),
    userId: t.id({
      description: 'The global id of the person as a user: what contacts and campaigns are assigned to.',
      resolve: ({ userId }) => encodeGlobalID('User', userId),
    }),
    role: t.field({
      type: Role,
      description: 'What the person may do here.',
      select: { role: true },
      resolve: ({ role }) => role as RoleName,
    }),
    joinedAt: t.expose('createdAt', { type: 'DateTime', description: 'When the person joined.' }),
    hasTotp: t.boolean({
      nullable: true,
      description:
        'Whether the person is asked for a code from an authenticator app to sign in. For managers: null for others.',
      resolve: async ({ userId }, _args, ctx) => {
        if (!may(await ctx.signedIn(), 'members.write')) return null;
        return (await batched(ctx, 'hasTotp', userId, () => findMembersWithTotp(ctx.tx))) ?? false;
      },
    }),
  }),
});

/** A member of the own tenant, with what is asked of it; null when there is none, or none any more. */
export function findMember(ctx: Context, userId: string, query: object) {
  return ctx.tx.membership.findUnique({ ...query, where: amongMembers(userId, ctx) });
}

const byJoining: KeyColumn[] = [
  { field: 'createdAt', column: 'created_at', type: 'date', descending: false },
  { field: 'userId', column: 'user_id', type: 'uuid', descending: false },
];

builder.queryField('members', (t) =>
  t.connection(
    {
      type: Member,
      description: 'Who works for the tenant, in the order of joining.',
      authScopes: { may: 'members.read' },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        return keyset<{ userId: string }, 'userId'>(byJoining, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.membership.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, where] } });
        });
      },
    },
    { name: 'MemberConnection', description: 'A page of members.' },
    { name: 'MemberEdge', description: 'A member on a page.' },
  ),
);

const memberId = 'Which member.';

const MemberRoleSetInput = builder.inputType('MemberRoleSetInput', {
  description: 'Another role for a member.',
  fields: (t) => ({
    memberId: t.id({ required: true, description: memberId }),
    role: t.field({ type: Role, required: true, description: 'The new role.' }),
    ...idempotencyKey(t),
  }),
});

const MemberRemoveInput = builder.inputType('MemberRemoveInput', {
  description: 'The member to remove; oneself, to leave.',
  fields: (t) => ({ memberId: t.id({ required: true, description: memberId }), ...idempotencyKey(t) }),
});

const OwnershipTransferInput = builder.inputType('OwnershipTransferInput', {
  description: 'Who is to own the tenant.',
  fields: (t) => ({
    memberId: t.id({ required: true, description: 'The member who becomes an OWNER.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  memberRoleSet: t.field({
    type: Member,
    nullable: true,
    description:
      'Gives a member another role, as of the next operation. Only an owner makes or changes an owner, with a fresh proof (`sessionConfirm`); the last owner stays one.',
    authScopes: { may: 'members.write' },
    errors: { types: [...writeErrors, ForbiddenError, ConfirmationRequiredError] },
    args: { input: t.arg({ type: MemberRoleSetInput, required: true, description: 'Whom, and which role.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const userId = rowId('Member', input.memberId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => setMemberRole(tx, viewer, { userId, role: input.role }, ctx.services),
        (changed) => findMember(ctx, changed.userId, selection(ctx, info, 'Member')),
      );
    },
  }),
  memberRemove: t.field({
    type: Deleted,
    nullable: true,
    description:
      'Ends somebody’s place in the tenant: their sessions here end at once, their account stays, and so do the keys and invitations they made. It takes a manager, and for an owner an owner with a fresh proof (`sessionConfirm`); anybody can leave by removing themselves. The last owner stays.',
    authScopes: { may: 'members.read' }, // whoever works here: what more it takes to remove somebody else is asked in the deed
    errors: { types: [...writeErrors, ForbiddenError, ConfirmationRequiredError] },
    args: { input: t.arg({ type: MemberRemoveInput, required: true, description: 'The member.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const userId = rowId('Member', input.memberId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => removeMember(tx, viewer, userId, ctx.services),
        async () => ({ id: input.memberId }),
      );
    },
  }),
  ownershipTransfer: t.field({
    type: Member,
    nullable: true,
    description:
      'Makes a member an OWNER, and you, an OWNER so far, an ADMIN. It takes a fresh proof of who you are (`sessionConfirm`).',
    authScopes: { may: 'members.read' }, // and an owner: asked in the deed, so that a repeat is answered though the right has gone over by then
    errors: { types: [...writeErrors, ForbiddenError, ConfirmationRequiredError] },
    args: { input: t.arg({ type: OwnershipTransferInput, required: true, description: 'To whom.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const userId = rowId('Member', input.memberId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => transferOwnership(tx, viewer, userId, ctx.services),
        (changed) => findMember(ctx, changed.userId, selection(ctx, info, 'Member')),
      );
    },
  }),
}));
