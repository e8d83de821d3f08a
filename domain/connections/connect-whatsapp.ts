import { type AccountFacts, listNumbers, type NumberFacts, readAccount } from '../../connectors/whatsapp/accounts.ts';
import {
  debugToken,
  exchangeCode,
  neededScopes,
  registerNumber,
  subscribeApp,
} from '../../connectors/whatsapp/onboarding.ts';
import type { Meta } from '../../connectors/whatsapp/meta.ts';
import type { Tx } from '../../prisma/client.ts';
import type { Answerable } from '../audit/record-audit.ts';
import { InvalidInputError, PartnerError } from '../errors.ts';
import { tokenCell } from './account-access.ts';
import { type CheckedConnect, checkConnect, type ConnectInput, type Grant } from './connect-input.ts';
import * as explain from './connect-refusals.ts';
import type { Keyring } from './keyring.ts';
import { granted, needMeta } from './partner-answer.ts';
import { open, seal } from './seal.ts';
import { refuseForeign, storeConnected } from './store-connected.ts';

/** One write transaction; the partner is called between two, never in one. */
export type Run = <T>(fn: (tx: Tx) => Promise<T>) => Promise<T>;

export type ConnectDeps = { run: Run; meta: Meta | null; keyring: Keyring; now: () => Date };

/**
 * Connects a WhatsApp account, or heals one that was connected by half, or gives it a new token (reference: whatsapp-cloud-api, section 1.3).
 * Every step can be taken again: a repeat with the same code goes on with the token that the code was traded for.
 */
export async function connectWhatsApp(deps: ConnectDeps, by: Answerable, input: ConnectInput): Promise<{ id: string }> {
  const meta = needMeta(deps.meta);
  const { tenantId } = by;
  const wish = checkConnect(input);
  const { connectionId, token } = await obtainToken(deps, meta, tenantId, wish.grant);
  const { wabaId, scopes, expiresAt } = await checkToken(meta, token, wish);
  await deps.run((tx) => refuseForeign(tx, tenantId, [wabaId], []));

  const account = granted(await readAccount(meta, token, wabaId), explain.notShared(wabaId));
  const numbers = granted(await listNumbers(meta, token, wabaId), explain.notShared(wabaId));
  const registering = numbersToRegister(numbers, wish);
  await deps.run((tx) =>
    refuseForeign(
      tx,
      tenantId,
      [],
      numbers.map(({ phoneNumberId }) => phoneNumberId),
    ),
  );
  for (const { phoneNumberId } of registering) {
    granted(await registerNumber(meta, token, phoneNumberId, wish.pin ?? ''), explain.registration);
  }
  // Throughput and status are what they are after registering.
  const settled =
    registering.length > 0 ? granted(await listNumbers(meta, token, wabaId), explain.notShared(wabaId)) : numbers;
  granted(await subscribeApp(meta, token, wabaId), explain.notShared(wabaId));
  const connected = { connectionId, wabaId, token, scopes, expiresAt, account: withOwner(account), numbers: settled };
  return deps.run((tx) => storeConnected(tx, deps.keyring, by, connected, deps.now()));
}

/** A connect that nobody went on with for so long is over, and its token goes. */
const abandonedAfterMinutes = 60;

/** The token for a grant, written down before anything is done with it: the code for it works once. */
async function obtainToken(
  { run, keyring, now }: ConnectDeps,
  meta: Meta,
  tenantId: string,
  grant: Grant,
): Promise<{ connectionId: string; token: string }> {
  const { id, sealed } = await run((tx) => beginConnect(tx, tenantId, grant));
  if (sealed !== null) return { connectionId: id, token: open(keyring, tokenCell(tenantId, id), sealed) };
  const exchanged =
    grant.kind === 'accessToken'
      ? { token: grant.value, expiresInSeconds: null }
      : granted(await exchangeCode(meta, grant.value), explain.code);
  const { token, expiresInSeconds } = exchanged;
  const tokenExpiresAt = expiresInSeconds === null ? null : new Date(now().getTime() + expiresInSeconds * 1_000);
  await run((tx) =>
    tx.connection.update({
      where: { tenantId_id: { tenantId, id } },
      data: { token: seal(keyring, tokenCell(tenantId, id), token), tokenExpiresAt, updatedAt: now() },
      select: { id: true },
    }),
  );
  return { connectionId: id, token };
}

/** The connection that this grant began, with its token if it got one; else a new one. */
async function beginConnect(tx: Tx, tenantId: string, grant: Grant): Promise<{ id: string; sealed: string | null }> {
  await tx.$executeRaw`
    delete from connections c where c.tenant_id = ${tenantId}::uuid and c.partner = 'WHATSAPP' and c.status = 'CONNECTING'
      and c.updated_at < now() - make_interval(mins => ${abandonedAfterMinutes}::int)
      and not exists (select from whatsapp_accounts a where a.tenant_id = c.tenant_id and a.connection_id = c.id)`;
  const [known] = await tx.connection.findMany({
    where: { tenantId, partner: 'WHATSAPP', grantHash: grant.hash, status: { in: ['CONNECTING', 'ACTIVE'] } },
    select: { id: true, token: true },
    orderBy: { token: { sort: 'desc', nulls: 'last' } },
    take: 1,
  });
  if (known) return { id: known.id, sealed: known.token };
  const data = { tenantId, partner: 'WHATSAPP', status: 'CONNECTING', grantHash: grant.hash };
  const { id } = await tx.connection.create({ data, select: { id: true } });
  return { id, sealed: null };
}

type TokenWorth = { wabaId: string; scopes: string[]; expiresAt: Date | null };

/** Whether the token is ours to use and opens what we need; and for which account, where the input does not say. */
async function checkToken(meta: Meta, token: string, { grant, wabaId }: CheckedConnect): Promise<TokenWorth> {
  const facts = granted(await debugToken(meta, token), explain.ownApp);
  if (!facts.isValid) throw new PartnerError('The access token is not valid, or has expired.', { path: grant.kind });
  if (facts.appId !== meta.config.appId)
    throw new PartnerError('The access token was made for another app.', { path: grant.kind });
  const missing = neededScopes.filter((scope) => !facts.scopes.includes(scope));
  if (missing.length > 0)
    throw new PartnerError(`The access token lacks the permission ${missing.join(' and ')}.`, { path: grant.kind });
  const { scopes, expiresAt, wabaIds } = facts;
  if (wabaId !== null) {
    if (wabaIds.length > 0 && !wabaIds.includes(wabaId)) throw explain.accountNotShared(wabaId);
    return { wabaId, scopes, expiresAt };
  }
  const [only, another] = wabaIds;
  if (only === undefined || another !== undefined)
    throw new InvalidInputError([
      {
        path: 'wabaId',
        message: 'The token does not open just one account: say which WhatsApp Business Account it is.',
      },
    ]);
  return { wabaId: only, scopes, expiresAt };
}

/** Numbers that cannot send yet and that we may register: the one that was named, or all where a PIN was given. */
function numbersToRegister(numbers: NumberFacts[], { phoneNumberId, pin }: CheckedConnect): NumberFacts[] {
  const wanted = phoneNumberId === null ? numbers : numbers.filter((number) => number.phoneNumberId === phoneNumberId);
  if (phoneNumberId !== null && wanted.length === 0)
    throw new InvalidInputError([{ path: 'phoneNumberId', message: 'The account has no such number.' }]);
  const unregistered = wanted.filter(({ status, isOnPhoneApp }) => status !== 'CONNECTED' && !isOnPhoneApp);
  if (pin !== null) return unregistered;
  if (phoneNumberId !== null && unregistered.length > 0)
    throw new InvalidInputError([
      { path: 'pin', message: 'The number has to be registered: expected its six-digit PIN.' },
    ]);
  return [];
}

/** An account whose owner Meta keeps to itself counts as a portfolio of its own. */
function withOwner(account: AccountFacts): AccountFacts & { portfolioId: string } {
  return { ...account, portfolioId: account.portfolioId ?? `waba:${account.wabaId}` };
}
