import { queryFromInfo } from '@pothos/plugin-prisma';
import { getNamedType, type GraphQLResolveInfo, isUnionType } from 'graphql';
import type { Permission } from '../domain/auth/permissions.ts';
import { may, type Viewer } from '../domain/auth/viewer.ts';
import {
  ConfirmationRequiredError,
  ConflictError,
  DomainError,
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  PartnerError,
  PartnerOffError,
  PartnerUnavailableError,
  RateLimitedError,
  StillRunningError,
  storeError,
} from '../domain/errors.ts';
import { claimKey, freeKey, type KeyUse, settleKey } from '../domain/idempotency.ts';
import { Prisma, type Tx } from '../prisma/client.ts';
import { sqlStateOf } from '../prisma/sql-state.ts';
import type { Context, SchemaTypes } from './builder.ts';
import { noteNumberFound } from './masking.ts';
import type { Run } from './operation.ts';
import { UnauthorizedError } from './unauthorized.ts';

/** The refusals that every signed-in mutation can answer with; add a mutation's own. */
export const writeErrors = [
  InvalidInputError,
  NotFoundError,
  ConflictError,
  IdempotencyConflictError,
  StillRunningError,
];

/** The input field that makes a mutation safe to repeat. */
export const idempotencyKey = (
  t: PothosSchemaTypes.InputFieldBuilder<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>, 'InputObject'>,
) => ({
  idempotencyKey: t.string({
    description:
      'Makes the request safe to repeat for 7 days: the same key with the same input has one effect and the same answer.',
  }),
});

/**
 * Runs a signed-in mutation: `act` in one write transaction (rolled back by whatever it throws), then `answer` from what was
 * committed. With an idempotency key it acts once, and a repeat gets the stored outcome: ids, or the refusal; never a secret.
 */
export async function write<Outcome extends Prisma.JsonValue, Answer>(
  context: Context,
  info: GraphQLResolveInfo,
  input: { idempotencyKey?: string | null | undefined },
  act: (tx: Tx, viewer: Viewer) => Promise<Outcome>,
  answer: (outcome: Outcome, isReplay: boolean) => Promise<Answer | null>,
): Promise<Answer> {
  const viewer = await context.signedIn();
  refuseUnreadable(viewer, info);
  const { idempotencyKey: key, ...rest } = input;
  const once = (tx: Tx) => act(tx, viewer).catch(refuseMissing);
  const refused = async (error: unknown): Promise<never> => {
    await noteNumberFound(context, error);
    throw error;
  };
  if (typeof key !== 'string') return found(await answer(await context.write(once).catch(refused), false));

  const { tenantId } = viewer;
  const use = { tenantId, caller: callerOf(viewer), key, operation: info.fieldName, input: rest };
  const claim = await context.write((tx) => claimKey(tx, use));
  if ('replay' in claim) return found(await answer(claim.replay as Outcome, true));
  let outcome: Outcome;
  try {
    outcome = await context.write(async (tx) => {
      const acted = await once(tx);
      await settleKey(tx, use, claim.lease, { outcome: acted });
      return acted;
    });
  } catch (error) {
    await settleRefusal((fn) => context.write(fn), use, claim.lease, error);
    return refused(error);
  }
  return found(await answer(outcome, false));
}

/**
 * The same for a mutation that must answer with a partner's answer: `act` is given `run`, and calls the partner between two runs, never in one.
 * What `act` has written stays when it throws: it is what a repeat goes on from.
 */
export async function writeAround<Outcome extends Prisma.JsonValue, Answer>(
  context: Context,
  info: GraphQLResolveInfo,
  input: { idempotencyKey?: string | null | undefined },
  act: (run: Run, viewer: Viewer) => Promise<Outcome>,
  answer: (outcome: Outcome, isReplay: boolean) => Promise<Answer | null>,
): Promise<Answer> {
  const viewer = await context.signedIn();
  refuseUnreadable(viewer, info);
  const { idempotencyKey: key, ...rest } = input;
  const { tenantId } = viewer;
  const { outcome, isReplay } = await context.writeAround(async (run) => {
    const once = () => act(run, viewer).catch(refuseMissing);
    if (typeof key !== 'string') return { outcome: await once(), isReplay: false };
    const use = { tenantId, caller: callerOf(viewer), key, operation: info.fieldName, input: rest };
    const claim = await run((tx) => claimKey(tx, use));
    if ('replay' in claim) return { outcome: claim.replay as Outcome, isReplay: true };
    try {
      const acted = await once();
      await run((tx) => settleKey(tx, use, claim.lease, { outcome: acted }));
      return { outcome: acted, isReplay: false };
    } catch (error) {
      await settleRefusal(run, use, claim.lease, error);
      throw error;
    }
  });
  return found(await answer(outcome, isReplay));
}

/** Whoever may not read what a mutation answers with is refused before it writes: afterwards, a refusal would say that nothing was done. */
function refuseUnreadable(viewer: Viewer, { returnType }: GraphQLResolveInfo): void {
  const answer = getNamedType(returnType);
  for (const { extensions } of isUnionType(answer) ? answer.getTypes() : [answer]) {
    const { authScopes } = (extensions['pothosOptions'] ?? {}) as { authScopes?: { may?: Permission } };
    if (authScopes?.may && !may(viewer, authScopes.may)) throw new UnauthorizedError(viewer);
  }
}

/** Whose idempotency keys are whose: a person's and an API key's never meet. */
function callerOf({ actor }: Viewer): string {
  return `${actor.type === 'PERSON' ? 'user' : 'key'}:${actor.id}`;
}

/** What went wrong first is what matters: where it cannot be written down, the key is freed by the end of its lease. */
async function settleRefusal(run: Run, use: KeyUse, lease: Date, error: unknown): Promise<void> {
  const settled = run((tx) =>
    isFinal(error) ? settleKey(tx, use, lease, { error: storeError(error) }) : freeKey(tx, use, lease),
  );
  await settled.catch(() => {});
}

const passing = [
  RateLimitedError,
  StillRunningError,
  ConfirmationRequiredError,
  PartnerOffError,
  PartnerUnavailableError,
];

/** Whether a refusal is the answer to this request for good; a bug, or a refusal for the moment, frees the key for another try. */
function isFinal(error: unknown): error is DomainError {
  return error instanceof DomainError && !passing.some((type) => error instanceof type);
}

/** A row to change (P2025) or to point at (P2003, 23503) is not there, or is another tenant's: nobody learns which. */
function refuseMissing(error: unknown): never {
  const code = error instanceof Prisma.PrismaClientKnownRequestError ? error.code : undefined;
  if (code === 'P2025' || code === 'P2003' || sqlStateOf(error) === '23503') {
    throw new NotFoundError('There is no such object.');
  }
  throw error;
}

/** What a repeat is about may have been deleted since. */
function found<Answer>(answer: Answer | null): Answer {
  if (answer === null) throw new NotFoundError('It is no longer there.');
  return answer;
}

/** The refusals of a mutation that goes through a partner. */
export const partnerErrors = [...writeErrors, PartnerError, PartnerOffError, PartnerUnavailableError];

/** What of an object a mutation's answer asks for, to be spread into the query that reads it. */
export function selection(context: Context, info: GraphQLResolveInfo, typeName: string): object {
  return queryFromInfo({ context, info, typeName });
}
