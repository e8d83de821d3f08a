import { parseLinkToken } from '../domain/auth/link-token.ts';
import type { Role as RoleName } from '../domain/auth/permissions.ts';
import { signIn } from '../domain/auth/sign-in.ts';
import { isPerson } from '../domain/auth/viewer.ts';
import {
  ConfirmationRequiredError,
  EmailTakenError,
  ForbiddenError,
  InvalidCredentialsError,
  InvalidInputError,
  NotFoundError,
  RateLimitedError,
  SecondFactorRequiredError,
} from '../domain/errors.ts';
import {
  accountExists,
  findInvited,
  invitationOver,
  join,
  joinAsNewcomer,
  joinAsViewer,
  prepareNewcomer,
  proveInvited,
} from '../domain/members/accept-invitation.ts';
import { invitationStatus } from '../domain/members/invitation-status.ts';
import { createInvitation, resendInvitation, revokeInvitation } from '../domain/members/invitations.ts';
import { type KeyColumn, prismaPage } from '../domain/page.ts';
import { answerWith, Session } from './auth.ts';
import { builder } from './builder.ts';
import { keyset } from './keyset.ts';
import { findMember, Member } from './members.ts';
import { amongOwn, rowId } from './node.ts';
import { fingerprint, noteFailure, presenceOf } from './presence.ts';
import { Role } from './roles.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const InvitationStatus = builder.enumType('InvitationStatus', {
  description: 'What has become of an invitation.',
  values: {
    OPEN: { description: 'It can be accepted.' },
    ACCEPTED: { description: 'Somebody joined by it.' },
    REVOKED: { description: 'It was taken back.' },
    EXPIRED: { description: 'Its 7 days are over.' },
  } as const,
});

const Invitation = builder.prismaNode('Invitation', {
  description: 'Somebody is asked by mail to work for the tenant.',
  authScopes: { may: 'members.write' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    email: t.exposeString('email', { description: 'The address that it was sent to.' }),
    role: t.field({
      type: Role,
      description: 'What the person will be allowed to do.',
      select: { role: true },
      resolve: ({ role }) => role as RoleName,
    }),
    status: t.field({
      type: InvitationStatus,
      description: 'What has become of it.',
      select: { acceptedAt: true, revokedAt: true, expiresAt: true },
      resolve: (invitation, _args, ctx) => invitationStatus(invitation, ctx.services.now()),
    }),
    invitedBy: t.prismaField({
      type: Member,
      nullable: true,
      description: 'Who asks; null when that person has left.',
      select: { createdBy: true },
      resolve: (query, { createdBy }, _args, ctx) => findMember(ctx, createdBy, query),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    sentAt: t.expose('sentAt', { type: 'DateTime', description: 'When its mail was last asked for.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when it can be accepted.' }),
  }),
});

const newestFirst: KeyColumn[] = [
  { field: 'createdAt', column: 'created_at', type: 'date', descending: true },
  { field: 'id', column: 'id', type: 'uuid', descending: true },
];

builder.queryField('invitations', (t) =>
  t.connection(
    {
      type: Invitation,
      description: 'The tenant’s invitations, the newest first; those that are over stay listed.',
      authScopes: { may: 'members.write' },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        return keyset(newestFirst, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.invitation.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, where] } });
        });
      },
    },
    { name: 'InvitationConnection', description: 'A page of invitations.' },
    { name: 'InvitationEdge', description: 'An invitation on a page.' },
  ),
);

const InvitationCreateInput = builder.inputType('InvitationCreateInput', {
  description: 'Whom to invite.',
  fields: (t) => ({
    email: t.string({ required: true, description: 'Where the mail goes, and who can accept.' }),
    role: t.field({ type: Role, required: true, description: 'What the person will be allowed to do.' }),
    ...idempotencyKey(t),
  }),
});

const invitationId = 'Which invitation; one that was not accepted.';

const InvitationResendInput = builder.inputType('InvitationResendInput', {
  description: 'The invitation to send again.',
  fields: (t) => ({ invitationId: t.id({ required: true, description: invitationId }), ...idempotencyKey(t) }),
});

const InvitationRevokeInput = builder.inputType('InvitationRevokeInput', {
  description: 'The invitation to take back.',
  fields: (t) => ({ invitationId: t.id({ required: true, description: invitationId }), ...idempotencyKey(t) }),
});

const InvitationAcceptInput = builder.inputType('InvitationAcceptInput', {
  description: 'The invitation to accept, and as whom.',
  fields: (t) => ({
    token: t.string({ required: true, description: 'The token in the link of the mail.' }),
    password: t.string({
      description:
        'With it, whoever has the invited address joins: a new account gets it as its password, an account that is there must have it. Without it, the person who is signed in joins.',
    }),
    name: t.string({ description: 'What a new person is called; 1 to 200 characters. Not needed otherwise.' }),
    ...fingerprint(t),
  }),
});

builder.mutationFields((t) => ({
  invitationCreate: t.field({
    type: Invitation,
    nullable: true,
    description:
      'Asks somebody by mail to work for the tenant. The link works once, for 7 days. Only an owner invites an owner, with a fresh proof (`sessionConfirm`).',
    authScopes: { may: 'members.write' },
    errors: { types: [...writeErrors, ForbiddenError, ConfirmationRequiredError, RateLimitedError] },
    args: { input: t.arg({ type: InvitationCreateInput, required: true, description: 'Whom to invite.' }) },
    resolve: (_root, { input }, ctx, info) =>
      write(
        ctx,
        info,
        input,
        (tx, viewer) => createInvitation(tx, viewer, input, ctx.services),
        ({ id }) => ctx.tx.invitation.findUnique({ ...selection(ctx, info, 'Invitation'), where: amongOwn(id, ctx) }),
      ),
  }),
  invitationResend: t.field({
    type: Invitation,
    nullable: true,
    description: 'Sends the mail again, with another 7 days; also when the first 7 are over. Not twice in a minute.',
    authScopes: { may: 'members.write' },
    errors: { types: [...writeErrors, ForbiddenError, RateLimitedError] },
    args: { input: t.arg({ type: InvitationResendInput, required: true, description: 'Which invitation.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const id = rowId('Invitation', input.invitationId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => resendInvitation(tx, viewer, id, ctx.services),
        (sent) =>
          ctx.tx.invitation.findUnique({ ...selection(ctx, info, 'Invitation'), where: amongOwn(sent.id, ctx) }),
      );
    },
  }),
  invitationRevoke: t.field({
    type: Invitation,
    nullable: true,
    description: 'Takes an invitation back: its link works no more.',
    authScopes: { may: 'members.write' },
    errors: { types: [...writeErrors, ForbiddenError] },
    args: { input: t.arg({ type: InvitationRevokeInput, required: true, description: 'Which invitation.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const id = rowId('Invitation', input.invitationId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => revokeInvitation(tx, viewer, id, ctx.services.now()),
        (revoked) =>
          ctx.tx.invitation.findUnique({ ...selection(ctx, info, 'Invitation'), where: amongOwn(revoked.id, ctx) }),
      );
    },
  }),
  invitationAccept: t.field({
    type: Session,
    nullable: true,
    description:
      'Joins a tenant and begins a session for it. A token that is used, revoked, too old or none at all gets one answer. `EmailTakenError` says that the address has an account: sign in to it, or give its password.',
    authScopes: { public: true },
    errors: {
      types: [
        InvalidInputError,
        NotFoundError,
        ForbiddenError,
        EmailTakenError,
        InvalidCredentialsError,
        SecondFactorRequiredError,
        RateLimitedError,
      ],
    },
    args: { input: t.arg({ type: InvitationAcceptInput, required: true, description: 'Which one, and as whom.' }) },
    resolve: async (_root, { input }, ctx) => {
      const { now, hashing } = ctx.services;
      const token = parseLinkToken(input.token);
      if (!token) throw invitationOver();
      const at = now();
      const tenantId = token.scopeId;
      const { invited, account } = await ctx.write((tx) => findInvited(tx, token, at), { tenantId });
      const presence = presenceOf(ctx, input);
      const { password } = input;

      if (typeof password !== 'string') {
        const viewer = await ctx.viewer();
        if (!isPerson(viewer)) throw account ? accountExists() : passwordMissing();
        const scope = { tenantId, userId: viewer.userId };
        return answerWith(ctx, await ctx.write((tx) => joinAsViewer(tx, invited, viewer, at), scope));
      }
      if (!account) {
        const newcomer = await prepareNewcomer(invited, { ...input, password }, hashing);
        const scope = { tenantId, userId: newcomer.userId };
        return answerWith(ctx, await ctx.write((tx) => joinAsNewcomer(tx, invited, newcomer, presence, at), scope));
      }
      const proof = proveInvited(invited, account, password, hashing);
      const proven = await noteFailure(ctx, account.userId, presence, proof);
      const session = await ctx.write(async (tx) => {
        await join(tx, invited, proven.userId, presence.origin, at);
        return signIn(tx, proven, presence, at);
      }, proven);
      return answerWith(ctx, session);
    },
  }),
}));

function passwordMissing(): InvalidInputError {
  return new InvalidInputError([{ path: 'password', message: 'Expected the password for the new account.' }]);
}
