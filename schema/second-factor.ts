import { beginSession } from '../domain/auth/begin-session.ts';
import { refusalOf } from '../domain/auth/confirm-session.ts';
import { parseRefreshToken } from '../domain/auth/refresh-token.ts';
import { takeSecondStep } from '../domain/auth/second-step.ts';
import { recordFailure } from '../domain/auth/sign-in-signals.ts';
import { requireRecent } from '../domain/auth/step-up.ts';
import { beginTotp, confirmTotp, disableTotp, replaceRecoveryCodes, type TotpSetup } from '../domain/auth/totp.ts';
import type { PersonViewer } from '../domain/auth/viewer.ts';
import {
  ChallengeEndedError,
  ConfirmationRequiredError,
  InvalidCredentialsError,
  InvalidInputError,
  RateLimitedError,
} from '../domain/errors.ts';
import { answerWith, Session, User } from './auth.ts';
import { builder } from './builder.ts';
import { fingerprint, presenceOf } from './presence.ts';
import { forgetViewer } from './session-confirm.ts';
import { idempotencyKey, selection, write, writeAround, writeErrors } from './write.ts';

builder.prismaObjectFields(User, (t) => ({
  totpConfirmedAt: t.field({
    type: 'DateTime',
    nullable: true,
    description: 'Since when sign-ins ask for a code of the authenticator app; null when they do not.',
    select: { totp: { select: { confirmedAt: true } } },
    resolve: ({ totp }) => totp?.confirmedAt,
  }),
  recoveryCodesLeft: t.relationCount('recoveryCodes', {
    description: 'How many recovery codes can still stand in for the authenticator app, each once.',
  }),
}));

const NewTotp = builder.objectRef<Partial<TotpSetup>>('TotpSetup').implement({
  description: 'What an authenticator app needs. It counts for nothing before `totpConfirm`.',
  fields: (t) => ({
    uri: t.exposeString('uri', {
      nullable: true,
      description: 'As a QR code, for the app: `otpauth://totp/…`. Shown once: null when the request is repeated.',
    }),
    secret: t.exposeString('secret', {
      nullable: true,
      description: 'The same, to be typed: base 32. Shown once: null when the request is repeated.',
    }),
  }),
});

const RecoveryCodes = builder.objectRef<{ codes: string[] | null; viewer: PersonViewer }>('RecoveryCodes').implement({
  description: 'Ten codes, each of which stands in for the authenticator app once. Keep them apart from it.',
  fields: (t) => ({
    codes: t.exposeStringList('codes', {
      nullable: true,
      description: 'Shown once: null when the request is repeated.',
    }),
    user: t.prismaField({
      type: User,
      description: 'Whose they are.',
      resolve: (query, { viewer }, _args, ctx) =>
        ctx.tx.user.findUniqueOrThrow({ ...query, where: { id: viewer.userId } }),
    }),
  }),
});

const TotpBeginInput = builder.inputType('TotpBeginInput', {
  description: 'Nothing has to be said.',
  fields: (t) => idempotencyKey(t),
});
const TotpConfirmInput = builder.inputType('TotpConfirmInput', {
  description: 'Proof that the app has the secret.',
  fields: (t) => ({
    code: t.string({ required: true, description: 'The six digits that the app shows.' }),
    ...idempotencyKey(t),
  }),
});
const TotpDisableInput = builder.inputType('TotpDisableInput', {
  description: 'Nothing has to be said.',
  fields: (t) => idempotencyKey(t),
});
const RecoveryCodesRenewInput = builder.inputType('RecoveryCodesRenewInput', {
  description: 'Nothing has to be said.',
  fields: (t) => idempotencyKey(t),
});

const ownErrors = [...writeErrors, ConfirmationRequiredError];

builder.mutationFields((t) => ({
  totpBegin: t.field({
    type: NewTotp,
    nullable: true,
    description:
      'Begins to set up an authenticator app (30 seconds, six digits, SHA-1). Beginning again replaces what was begun. Takes a fresh proof of who you are.',
    authScopes: { person: true },
    errors: { types: ownErrors },
    args: { input: t.arg({ type: TotpBeginInput, required: true, description: 'Nothing has to be said.' }) },
    resolve: async (_root, { input }, ctx, info) => {
      const person = await ctx.person();
      let shown: TotpSetup | undefined;
      return write(
        ctx,
        info,
        input,
        async (tx) => {
          requireRecent(person, ctx.services);
          shown = await beginTotp(tx, ctx.services.keyring, person, ctx.services.now());
          return {};
        },
        async () => shown ?? {},
      );
    },
  }),
  totpConfirm: t.field({
    type: RecoveryCodes,
    nullable: true,
    description: 'Turns the authenticator app on, and answers with recovery codes.',
    authScopes: { person: true },
    errors: { types: [...writeErrors, InvalidCredentialsError, RateLimitedError] },
    args: { input: t.arg({ type: TotpConfirmInput, required: true, description: 'A first code.' }) },
    resolve: async (_root, { input }, ctx, info) => {
      const person = await ctx.person();
      let shown: string[] | null = null;
      return writeAround(
        ctx,
        info,
        input,
        async (run) => {
          const { keyring, now } = ctx.services;
          const confirmed = await run((tx) => confirmTotp(tx, keyring, person, input.code, now())); // a wrong code is counted
          if (confirmed === 'wrong' || 'blockedForSeconds' in confirmed) throw refusalOf(confirmed);
          shown = confirmed.recoveryCodes;
          return {};
        },
        async () => {
          forgetViewer(ctx, person);
          return { codes: shown, viewer: person };
        },
      );
    },
  }),
  totpDisable: t.prismaField({
    type: User,
    nullable: true,
    description:
      'Takes the authenticator app and its recovery codes away. Takes a fresh proof of who you are. Where the tenant asks for a second factor, only setting up another is left.',
    authScopes: { person: true },
    errors: { types: ownErrors },
    args: { input: t.arg({ type: TotpDisableInput, required: true, description: 'Nothing has to be said.' }) },
    resolve: async (_query, _root, { input }, ctx, info) => {
      const person = await ctx.person();
      return write(
        ctx,
        info,
        input,
        async (tx) => {
          requireRecent(person, ctx.services);
          await disableTotp(tx, person, ctx.services.now());
          return {};
        },
        () => {
          forgetViewer(ctx, person);
          return ctx.tx.user.findUnique({ ...selection(ctx, info, 'User'), where: { id: person.userId } });
        },
      );
    },
  }),
  recoveryCodesRenew: t.field({
    type: RecoveryCodes,
    nullable: true,
    description: 'New recovery codes: the ones before are good no more. Takes a fresh proof of who you are.',
    authScopes: { person: true },
    errors: { types: ownErrors },
    args: { input: t.arg({ type: RecoveryCodesRenewInput, required: true, description: 'Nothing has to be said.' }) },
    resolve: async (_root, { input }, ctx, info) => {
      const person = await ctx.person();
      let shown: string[] | null = null;
      return write(
        ctx,
        info,
        input,
        async (tx) => {
          requireRecent(person, ctx.services);
          shown = await replaceRecoveryCodes(tx, person, ctx.services.now());
          return {};
        },
        async () => ({ codes: shown, viewer: person }),
      );
    },
  }),
}));

const SignInConfirmInput = builder.inputType('SignInConfirmInput', {
  description: 'The second step of a sign-in: the challenge, with a code or a recovery code.',
  fields: (t) => ({
    challenge: t.string({ required: true, description: 'From `SecondFactorRequiredError`.' }),
    code: t.string({ description: 'The six digits that the authenticator app shows. Each is good once.' }),
    recoveryCode: t.string({ description: 'One of the recovery codes, instead. Each is good once.' }),
    ...fingerprint(t),
  }),
});

builder.mutationField('signInConfirm', (t) =>
  t.field({
    type: Session,
    nullable: true,
    description: 'The second step of a sign-in: begins the session. A challenge is good for 5 minutes and 5 tries.',
    authScopes: { public: true },
    errors: { types: [InvalidInputError, InvalidCredentialsError, ChallengeEndedError, RateLimitedError] },
    args: { input: t.arg({ type: SignInConfirmInput, required: true, description: 'Challenge and proof.' }) },
    resolve: async (_root, { input }, ctx) => {
      const { keyring, now } = ctx.services;
      const { code, recoveryCode } = input;
      const factor = typeof code === 'string' ? { code } : { recoveryCode: recoveryCode ?? '' };
      if ((typeof code === 'string') === (typeof recoveryCode === 'string'))
        throw new InvalidInputError([{ path: 'code', message: 'Expected either a code or a recovery code.' }]);
      const token = parseRefreshToken(input.challenge);
      if (!token) throw new ChallengeEndedError();
      const at = now();
      const presence = presenceOf(ctx, input);
      const taken = await ctx.write(async (tx) => {
        const verdict = await takeSecondStep(tx, keyring, token, factor, ctx.origin, at);
        if (verdict === 'right') return beginSession(tx, token, presence, at);
        if (verdict === 'wrong') await recordFailure(tx, token.userId, presence, at);
        return verdict;
      }, token);
      if (taken === 'over') throw new ChallengeEndedError();
      if (taken === 'wrong' || 'blockedForSeconds' in taken) throw refusalOf(taken);
      return answerWith(ctx, taken);
    },
  }),
);
