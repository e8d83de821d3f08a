import {
  beginGoogle,
  findByIdentity,
  finishGoogle,
  linkGoogle,
  takeIdentity,
  unknownIdentity,
  unlinkGoogle,
} from '../domain/auth/google.ts';
import { prepareGoogleSignUp, signUpWithGoogle } from '../domain/auth/google-sign-up.ts';
import { signIn } from '../domain/auth/sign-in.ts';
import { requireRecent } from '../domain/auth/step-up.ts';
import {
  ConfirmationRequiredError,
  ConflictError,
  EmailTakenError,
  IdentityUnknownError,
  InvalidCredentialsError,
  InvalidInputError,
  PartnerError,
  PartnerOffError,
  PartnerUnavailableError,
  RateLimitedError,
  SecondFactorRequiredError,
} from '../domain/errors.ts';
import { answerWith, Session, User } from './auth.ts';
import { builder } from './builder.ts';
import { fingerprint, presenceOf } from './presence.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

builder.prismaObjectField(User, 'googleLinkedAt', (t) =>
  t.field({
    type: 'DateTime',
    nullable: true,
    description: 'Since when the person can sign in with Google; null when that is not so.',
    select: { identities: { select: { createdAt: true }, take: 1 } },
    resolve: ({ identities }) => identities[0]?.createdAt,
  }),
);

const GoogleSignInBeginInput = builder.inputType('GoogleSignInBeginInput', {
  description: 'Nothing has to be said.',
  fields: (t) => ({ email: t.string({ description: 'Which account to suggest to the person, if that is known.' }) }),
});

const GoogleAttempt = builder.objectRef<{ url: string; attempt: string }>('GoogleAttempt').implement({
  description: 'A sign-in with Google that has begun. It is good for 10 minutes.',
  fields: (t) => ({
    url: t.exposeString('url', {
      description: 'Where to send the person. They come back to your page with `code` and `state`.',
    }),
    attempt: t.exposeString('attempt', {
      description: 'Keep it where the person began (as in `sessionStorage`): only with it the code is worth anything.',
    }),
  }),
});

const GoogleSignInInput = builder.inputType('GoogleSignInInput', {
  description: 'What the person came back from Google with, and what was kept.',
  fields: (t) => ({
    attempt: t.string({ required: true, description: 'From `googleSignInBegin`.' }),
    code: t.string({ required: true, description: 'From the address that the person came back to. Good once.' }),
    state: t.string({ required: true, description: 'From the same address.' }),
    iss: t.string({ description: 'From the same address, where it is there.' }),
    ...fingerprint(t),
  }),
});

const GoogleSignUpInput = builder.inputType('GoogleSignUpInput', {
  description: 'A new tenant, and the Google account of the person who owns it.',
  fields: (t) => ({
    identity: t.string({ required: true, description: 'From `IdentityUnknownError`.' }),
    tenantName: t.string({ required: true, description: 'What the business is called; 1 to 200 characters.' }),
    country: t.string({ required: true, description: 'Where the business is; ISO 3166-1 alpha-2, as `BR`.' }),
    timeZone: t.string({ required: true, description: 'IANA name, as `America/Sao_Paulo`.' }),
    locale: t.string({ description: 'BCP 47, as `pt-BR`; the main language of the country unless given.' }),
    ...fingerprint(t),
  }),
});

const GoogleLinkInput = builder.inputType('GoogleLinkInput', {
  description: 'The Google account to sign in with from now on, too.',
  fields: (t) => ({
    identity: t.string({ required: true, description: 'From `IdentityUnknownError`.' }),
    ...idempotencyKey(t),
  }),
});

const GoogleUnlinkInput = builder.inputType('GoogleUnlinkInput', {
  description: 'Nothing has to be said.',
  fields: (t) => idempotencyKey(t),
});

const throughGoogle = [PartnerOffError, PartnerUnavailableError, RateLimitedError];

builder.mutationFields((t) => ({
  googleSignInBegin: t.field({
    type: GoogleAttempt,
    nullable: true,
    description: 'Begins a sign-in with Google (OpenID Connect, with PKCE).',
    authScopes: { public: true },
    errors: { types: [...throughGoogle, PartnerError] },
    args: { input: t.arg({ type: GoogleSignInBeginInput, required: true, description: 'Nothing has to be said.' }) },
    resolve: (_root, { input }, ctx) => ctx.writeAround(() => beginGoogle(ctx.services, input.email ?? undefined)), // no transaction stands open meanwhile
  }),
  googleSignIn: t.field({
    type: Session,
    nullable: true,
    description:
      'Begins a session of whoever has linked this Google account; the second step is owed as after a password. An account is known by what Google calls it, never by its e-mail address.',
    authScopes: { public: true },
    errors: {
      types: [
        ...throughGoogle,
        PartnerError,
        InvalidInputError,
        InvalidCredentialsError,
        IdentityUnknownError,
        SecondFactorRequiredError,
      ],
    },
    args: { input: t.arg({ type: GoogleSignInInput, required: true, description: 'What came back, and was kept.' }) },
    resolve: async (_root, { input }, ctx) => {
      const { attempt, code, state, iss } = input;
      const came = { attempt, code, state, issuer: iss ?? undefined };
      const identity = await ctx.writeAround(() => finishGoogle(ctx.services, came));
      const proven = await ctx.write((tx) => findByIdentity(tx, identity), {});
      const at = ctx.services.now();
      if (!proven) throw unknownIdentity(ctx.services.keyring, identity, at);
      return answerWith(ctx, await ctx.write((tx) => signIn(tx, proven, presenceOf(ctx, input), at), proven));
    },
  }),
  googleSignUp: t.field({
    type: Session,
    nullable: true,
    description: 'Creates a tenant whose owner signs in with Google and has no password, and signs the owner in.',
    authScopes: { public: true },
    errors: { types: [InvalidInputError, EmailTakenError, ConflictError, RateLimitedError] },
    args: { input: t.arg({ type: GoogleSignUpInput, required: true, description: 'Who signs up.' }) },
    resolve: async (_root, { input }, ctx) => {
      const at = ctx.services.now();
      const identity = takeIdentity(ctx.services.keyring, input.identity, at);
      const prepared = prepareGoogleSignUp(identity, input);
      return answerWith(
        ctx,
        await ctx.write((tx) => signUpWithGoogle(tx, prepared, identity, presenceOf(ctx, input), at), prepared),
      );
    },
  }),
  googleLink: t.prismaField({
    type: User,
    nullable: true,
    description: 'Lets you sign in with a Google account as well. Takes a fresh proof of who you are.',
    authScopes: { person: true },
    errors: { types: [...writeErrors, ConfirmationRequiredError] },
    args: { input: t.arg({ type: GoogleLinkInput, required: true, description: 'Which account.' }) },
    resolve: async (_query, _root, { input }, ctx, info) => {
      const person = await ctx.person();
      return write(
        ctx,
        info,
        input,
        async (tx) => {
          requireRecent(person, ctx.services);
          const at = ctx.services.now();
          await linkGoogle(tx, person, takeIdentity(ctx.services.keyring, input.identity, at), at);
          return {};
        },
        () => ctx.tx.user.findUnique({ ...selection(ctx, info, 'User'), where: { id: person.userId } }),
      );
    },
  }),
  googleUnlink: t.prismaField({
    type: User,
    nullable: true,
    description:
      'Takes the Google account away. Refused where there is no password: nobody locks themselves out. Takes a fresh proof of who you are.',
    authScopes: { person: true },
    errors: { types: [...writeErrors, ConfirmationRequiredError] },
    args: { input: t.arg({ type: GoogleUnlinkInput, required: true, description: 'Nothing has to be said.' }) },
    resolve: async (_query, _root, { input }, ctx, info) => {
      const person = await ctx.person();
      return write(
        ctx,
        info,
        input,
        async (tx) => {
          requireRecent(person, ctx.services);
          await unlinkGoogle(tx, person, ctx.services.now());
          return {};
        },
        () => ctx.tx.user.findUnique({ ...selection(ctx, info, 'User'), where: { id: person.userId } }),
      );
    },
  }),
}));
