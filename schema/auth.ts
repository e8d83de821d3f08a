import { RequestCache } from '@pothos/plugin-scope-auth';
import { signAccessToken } from '../domain/auth/access-token.ts';
import { parseRefreshToken, type RefreshToken } from '../domain/auth/refresh-token.ts';
import type { Challenge } from '../domain/auth/second-step.ts';
import { endSession, type OpenSession, refreshSession } from '../domain/auth/sessions.ts';
import { findAccount, provePassword, signIn } from '../domain/auth/sign-in.ts';
import { prepareSignUp, signUp } from '../domain/auth/sign-up.ts';
import { isPerson, type PersonViewer, type Viewer as AnyViewer } from '../domain/auth/viewer.ts';
import {
  EmailTakenError,
  InvalidCredentialsError,
  InvalidInputError,
  RateLimitedError,
  SecondFactorRequiredError,
  SessionEndedError,
} from '../domain/errors.ts';
import { ApiKey } from './api-keys.ts';
import { builder, type Context } from './builder.ts';
import { fingerprint, noteFailure, presenceOf } from './presence.ts';
import { amongOwn, known } from './node.ts';
import { Role } from './roles.ts';
import { Tenant } from './tenants.ts';

async function isOneself(user: { id: string }, _args: object, ctx: Context): Promise<boolean> {
  const viewer = await ctx.viewer();
  return isPerson(viewer) && viewer.userId === user.id;
}

export const User = builder.prismaNode('User', {
  description: 'A person who signs in. Only you yourself are seen.',
  select: { id: true },
  authScopes: (user, ctx) => isOneself(user, {}, ctx),
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  findUnique: (id, ctx) => ({ id, AND: { id: known(ctx).actor.id } }),
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What the person is called.' }),
    email: t.exposeString('email', { description: 'The address the person signs in with, as it was typed.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the person signed up.' }),
    locale: t.exposeString('locale', { description: 'What mails to the person are written in; BCP 47.' }),
    emailVerifiedAt: t.expose('emailVerifiedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the person proved to read mail at the address; null until then.',
    }),
    marketingMail: t.exposeBoolean('marketingMail', {
      description: 'Whether the person wants news and offers by mail. Seen by the person only.',
      authScopes: isOneself,
    }),
  }),
});

export const Viewer = builder.objectRef<AnyViewer>('Viewer').implement({
  description: 'Who is asking, for which tenant: a person with a role, or a program with a key.',
  authScopes: { signedIn: true },
  fields: (t) => ({
    user: t.prismaField({
      type: User,
      nullable: true,
      description: 'The person who is signed in; null when it is a program.',
      resolve: (query, viewer, _args, ctx) =>
        isPerson(viewer) ? ctx.tx.user.findUniqueOrThrow({ ...query, where: { id: viewer.userId } }) : null,
    }),
    apiKey: t.prismaField({
      type: ApiKey,
      nullable: true,
      description: 'The key that is asked with; null when it is a person.',
      resolve: (query, viewer, _args, ctx) =>
        isPerson(viewer) ? null : ctx.tx.apiKey.findUniqueOrThrow({ ...query, where: amongOwn(viewer.apiKeyId, ctx) }),
    }),
    tenant: t.prismaField({
      type: Tenant,
      description: 'The tenant that is asked for.',
      resolve: (query, { tenantId }, _args, ctx) =>
        ctx.tx.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } }),
    }),
    role: t.field({
      type: Role,
      nullable: true,
      description: 'The person’s role in that tenant; null when it is a program.',
      resolve: (viewer) => (isPerson(viewer) ? viewer.role : null),
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    nullable: true,
    description: 'Who is asking; null when nobody is signed in.',
    authScopes: { public: true },
    resolve: (_root, _args, ctx) => ctx.viewer(),
  }),
);

type NewSession = { accessToken: string; accessTokenExpiresAt: Date; refreshToken: string; viewer: PersonViewer };

export const Session = builder.objectRef<NewSession>('Session').implement({
  description:
    'Somebody is signed in. Send the access token as `Authorization: Bearer …`; before it expires, trade the refresh token for a new pair.',
  fields: (t) => ({
    accessToken: t.exposeString('accessToken', { description: 'Opens the API for 15 minutes.' }),
    accessTokenExpiresAt: t.expose('accessTokenExpiresAt', {
      type: 'DateTime',
      description: 'When the access token stops working.',
    }),
    refreshToken: t.exposeString('refreshToken', {
      description:
        'Good for one `sessionRefresh`, which answers with the next one. The session ends after 7 days without one, and after 30 days in any case.',
    }),
    user: t.prismaField({
      type: User,
      description: 'The person who is signed in.',
      resolve: (query, { viewer }, _args, ctx) =>
        ctx.tx.user.findUniqueOrThrow({ ...query, where: { id: viewer.userId } }),
    }),
    tenant: t.prismaField({
      type: Tenant,
      description: 'The tenant that the person is signed in for.',
      resolve: (query, { viewer }, _args, ctx) =>
        ctx.tx.tenant.findUniqueOrThrow({ ...query, where: { id: viewer.tenantId } }),
    }),
    role: t.field({
      type: Role,
      description: 'The person’s role in that tenant.',
      resolve: ({ viewer }) => viewer.role,
    }),
  }),
});

/** Makes the rest of the operation the person's, and hands out the tokens; or asks for the second factor. */
export async function answerWith(ctx: Context, signedIn: OpenSession | Challenge): Promise<NewSession> {
  if ('challenge' in signedIn) throw new SecondFactorRequiredError(signedIn.challenge, signedIn.expiresAt);
  const { claims, refreshToken } = signedIn;
  ctx.becomes(claims);
  RequestCache.clearForContext(ctx); // what the one before was allowed says nothing any more
  const viewer = await ctx.person();
  const { token, expiresAt } = await signAccessToken(ctx.services.keys, claims, ctx.services.now());
  return { accessToken: token, accessTokenExpiresAt: expiresAt, refreshToken, viewer };
}

const SignUpInput = builder.inputType('SignUpInput', {
  description: 'A new tenant and the person who owns it.',
  fields: (t) => ({
    tenantName: t.string({ required: true, description: 'What the business is called; 1 to 200 characters.' }),
    name: t.string({ required: true, description: 'What the person is called; 1 to 200 characters.' }),
    email: t.string({ required: true, description: 'The address to sign in with. One account for one address.' }),
    password: t.string({
      required: true,
      description: '8 to 128 characters, any of them; none that is guessed first, and no name that others know.',
    }),
    country: t.string({ required: true, description: 'Where the business is; ISO 3166-1 alpha-2, as `BR`.' }),
    timeZone: t.string({ required: true, description: 'IANA name, as `America/Sao_Paulo`.' }),
    locale: t.string({
      description:
        'BCP 47, as `pt-BR`, of the business and of mails to the person; the main language of the country unless given.',
    }),
    ...fingerprint(t),
  }),
});

builder.mutationField('signUp', (t) =>
  t.field({
    type: Session,
    nullable: true,
    description: 'Creates a tenant with its owner, and signs the owner in.',
    authScopes: { public: true },
    errors: { types: [InvalidInputError, EmailTakenError, RateLimitedError] },
    args: { input: t.arg({ type: SignUpInput, required: true, description: 'Who signs up.' }) },
    resolve: async (_root, { input }, ctx) => {
      const { now, hashing } = ctx.services;
      const prepared = await prepareSignUp(input, hashing);
      const at = now();
      const presence = presenceOf(ctx, input);
      return answerWith(ctx, await ctx.write((tx) => signUp(tx, prepared, presence, at), prepared));
    },
  }),
);

const SignInInput = builder.inputType('SignInInput', {
  description: 'Who signs in.',
  fields: (t) => ({
    email: t.string({ required: true, description: 'The address given at sign-up; case does not matter.' }),
    password: t.string({ required: true, description: 'The password.' }),
    ...fingerprint(t),
  }),
});

builder.mutationField('signIn', (t) =>
  t.field({
    type: Session,
    nullable: true,
    description: 'Begins a session, for the tenant that the person joined first.',
    authScopes: { public: true },
    errors: { types: [InvalidCredentialsError, RateLimitedError, SecondFactorRequiredError] },
    args: { input: t.arg({ type: SignInInput, required: true, description: 'Who signs in.' }) },
    resolve: async (_root, { input }, ctx) => {
      const account = await ctx.write((tx) => findAccount(tx, input.email), {});
      const { now, hashing } = ctx.services;
      const presence = presenceOf(ctx, input);
      const proof = provePassword(account, input.password, hashing);
      const proven = await noteFailure(ctx, account?.userId, presence, proof);
      const at = now();
      return answerWith(ctx, await ctx.write((tx) => signIn(tx, proven, presence, at), proven));
    },
  }),
);

const SessionRefreshInput = builder.inputType('SessionRefreshInput', {
  description: 'The session to go on with.',
  fields: (t) => ({
    refreshToken: t.string({ required: true, description: 'The newest refresh token of the session.' }),
  }),
});

builder.mutationField('sessionRefresh', (t) =>
  t.field({
    type: Session,
    nullable: true,
    description:
      'Trades a refresh token for a new pair of tokens. Safe to repeat for 10 seconds, with the same answer; a used token that comes back later ends the session.',
    authScopes: { public: true },
    errors: { types: [SessionEndedError] },
    args: { input: t.arg({ type: SessionRefreshInput, required: true, description: 'The session to go on with.' }) },
    resolve: async (_root, { input }, ctx) => {
      const token = parseRefreshToken(input.refreshToken);
      const { now, keys } = ctx.services;
      const at = now();
      const session =
        token && (await ctx.write((tx) => refreshSession(tx, token, keys.secrets, ctx.origin, at), token));
      if (!session) throw new SessionEndedError('The session has ended. Please sign in again.');
      return answerWith(ctx, session);
    },
  }),
);

const SignOutInput = builder.inputType('SignOutInput', {
  description: 'The session to end.',
  fields: (t) => ({
    refreshToken: t.string({ required: true, description: 'Any refresh token of the session.' }),
  }),
});

const SignedOut = builder.objectRef<{ at: Date }>('SignedOut').implement({
  description: 'The session is over: neither of its tokens opens anything any more.',
  fields: (t) => ({ at: t.expose('at', { type: 'DateTime', description: 'When it was ended.' }) }),
});

builder.mutationField('signOut', (t) =>
  t.field({
    type: SignedOut,
    nullable: true,
    description: 'Ends a session. Safe to repeat: a session that has ended stays so.',
    authScopes: { public: true },
    errors: { types: [InvalidInputError] },
    args: { input: t.arg({ type: SignOutInput, required: true, description: 'The session to end.' }) },
    resolve: async (_root, { input }, ctx) => {
      const token: RefreshToken | undefined = parseRefreshToken(input.refreshToken);
      if (!token) throw new InvalidInputError([{ path: 'refreshToken', message: 'This is not a refresh token.' }]);
      const at = ctx.services.now();
      await ctx.write((tx) => endSession(tx, token, at), token);
      return { at };
    },
  }),
);
