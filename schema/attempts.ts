import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { parseLinkToken } from '../domain/auth/link-token.ts';
import { emailKeyOf } from '../domain/auth/email.ts';
import { type Attempt, beginAttempt, endAttempt, forgetAttempts } from '../domain/limits/attempts.ts';
import { networkOf } from '../domain/limits/network.ts';
import type { Context } from './builder.ts';

type Input = Readonly<Record<string, unknown>>;

/** How attempts at a mutation are counted. Each is counted for its network; and for an account, where the input or the session names one. */
type Sensitive = {
  account?: (input: Input, context: Context) => string | null | Promise<string | null>;
  /** Also what succeeds is counted: there is no need to do it often. */
  countsAll?: true;
  /** Success proves who it is: whatever was tried at the sign-in of that account is forgotten. Answers with its user's id. */
  proves?: (input: Input, result: unknown) => string | undefined;
};

const byEmail = ({ email }: Input) => emailKeyOf(String(email));
const ofSession = async (_input: Input, context: Context) => (await context.viewer())?.actor.id ?? null;
/** Whom a tenant writes to: nobody’s mailbox is filled by inviting and revoking. */
const invited = async ({ email }: Input, context: Context) =>
  `${(await context.signedIn()).tenantId} ${emailKeyOf(String(email))}`;
const newViewer = (_input: Input, result: unknown) => (result as { viewer?: { userId?: string } }).viewer?.userId;

/** The mutations that somebody could use to guess with, to find out who has an account, or to have us send mails. */
export const sensitive: Readonly<Record<string, Sensitive>> = {
  signIn: { account: byEmail },
  signInConfirm: { account: ({ challenge }) => String(challenge), proves: newViewer },
  signUp: { account: byEmail, countsAll: true },
  passwordResetRequest: { account: byEmail, countsAll: true },
  passwordReset: { proves: ({ token }) => parseLinkToken(String(token))?.scopeId },
  passwordChange: { account: ofSession },
  emailVerify: {},
  emailVerificationResend: { account: ofSession, countsAll: true },
  sessionConfirm: { account: ofSession },
  totpConfirm: { account: ofSession },
  invitationCreate: { account: invited, countsAll: true },
  invitationAccept: {},
  apiKeyReport: {},
  googleSignInBegin: { countsAll: true },
  googleSignIn: {},
  googleSignUp: { countsAll: true },
};

type Resolver = GraphQLFieldResolver<unknown, Context, { input: Input }>;

/** Counts each field of an operation by itself, aliases included: a document of twenty sign-ins is twenty attempts. */
function limited(what: string, rule: Sensitive, resolve: Resolver): Resolver {
  return async (parent, args, context, info) => {
    const { input } = args;
    const { keys, attempts } = context.services;
    const [secret] = keys.secrets;
    if (!secret) throw new Error('There is no server secret to count attempts under.');
    const network = networkOf(context.origin?.address ?? null);
    const attempt: Attempt = { what, account: (await rule.account?.(input, context)) ?? null, network };
    const counted = await context.write((tx) => beginAttempt(tx, secret, attempt, attempts), {});
    const result = await resolve(parent, args, context, info);
    if (rule.countsAll) return result;
    const userId = rule.proves?.(input, result);
    const user =
      userId === undefined
        ? null
        : await context.write((tx) => tx.user.findUnique({ where: { id: userId }, select: { emailKey: true } }), {
            userId,
          });
    await context.write(async (tx) => {
      await endAttempt(tx, secret, counted);
      if (user) await forgetAttempts(tx, secret, { what: 'signIn', account: user.emailKey, network });
    }, {});
    return result;
  };
}

/** Stands last among the plugins, so that a refusal becomes the mutation's typed error, and nobody is counted who may not ask at all. */
class AttemptsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { name, parentType }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    const rule = parentType === 'Mutation' ? sensitive[name] : undefined;
    return rule ? (limited(name, rule, resolver) as never) : resolver;
  }
}

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      attempts: AttemptsPlugin<Types>;
    }
  }
}

SchemaBuilder.registerPlugin('attempts', AttemptsPlugin);
