import type { AccountFacts, NumberFacts } from '../../connectors/whatsapp/accounts.ts';
import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { ConflictError } from '../errors.ts';
import { enqueue } from '../jobs.ts';
import { syncTemplatesJob } from '../templates/jobs.ts';
import { tokenCell } from './account-access.ts';
import type { Keyring } from './keyring.ts';
import { seal } from './seal.ts';
import { storeNumbers } from './store-numbers.ts';

export type Connected = {
  /** The row that the connecting began with. */
  connectionId: string;
  wabaId: string;
  token: string;
  scopes: string[];
  expiresAt: Date | null;
  account: AccountFacts & { portfolioId: string };
  numbers: NumberFacts[];
};

/** Under which names a partner's ids are kept in the routing table. */
export const accountRoute = 'META_WABA';
export const numberRoute = 'META_NUMBER';

/** Refuses early what another tenant holds; whose it is, nobody learns. `claim` decides. */
export async function refuseForeign(
  tx: Tx,
  tenantId: string,
  wabaIds: string[],
  phoneNumberIds: string[],
): Promise<void> {
  const [found] = await tx.$queryRaw<{ foreign: boolean }[]>`
    select exists (select from find_partner_routes(${accountRoute}, ${wabaIds}::text[]) r where r.tenant_id <> ${tenantId}::uuid)
      or exists (select from find_partner_routes(${numberRoute}, ${phoneNumberIds}::text[]) r where r.tenant_id <> ${tenantId}::uuid) as "foreign"`;
  if (found?.foreign) throw heldElsewhere();
}

function heldElsewhere(): ConflictError {
  return new ConflictError('This WhatsApp account or number is connected elsewhere. Disconnect it there first.');
}

/** Everything is in place at Meta: the account, its numbers and its token become usable at once. Connecting again renews them. */
export async function storeConnected(
  tx: Tx,
  keyring: Keyring,
  by: Answerable,
  connected: Connected,
  now: Date,
): Promise<{ id: string }> {
  const { tenantId } = by;
  const { wabaId, account, numbers, scopes } = connected;
  await claim(tx, wabaId, numbers);
  const connectionId = await storeConnection(tx, keyring, tenantId, connected, now);
  const [stored] = await tx.$queryRaw<{ id: string; renewed: boolean }[]>`
    insert into whatsapp_accounts as a (tenant_id, connection_id, waba_id, portfolio_id, name, currency, time_zone_id, review_status)
    values (${tenantId}::uuid, ${connectionId}::uuid, ${wabaId}, ${account.portfolioId}, ${account.name}, ${account.currency}, ${account.timeZoneId}, ${account.reviewStatus})
    on conflict (tenant_id, waba_id) do update set connection_id = excluded.connection_id, portfolio_id = excluded.portfolio_id, name = excluded.name,
      currency = excluded.currency, time_zone_id = excluded.time_zone_id, review_status = excluded.review_status, updated_at = now(),
      blocked_reason = case when ${account.canSend} then null else a.blocked_reason end,
      blocked_at = case when ${account.canSend} then null else a.blocked_at end,
      blocked_until = case when ${account.canSend} then null else a.blocked_until end
    returning id, xmax <> 0 as renewed`;
  if (!stored) throw new Error('The account was not stored.');
  await storeNumbers(tx, tenantId, stored.id, numbers);
  await enqueue(tx, syncTemplatesJob, { tenantId, accountId: stored.id });
  await recordAudit(tx, by, {
    action: 'whatsApp.connect',
    target: { type: 'WhatsAppAccount', id: stored.id },
    after: { numbers: numbers.length, scopes, renewed: stored.renewed },
  });
  return { id: stored.id };
}

/** Takes the account and its numbers for this tenant, in one order, so that two who race do not wait for each other. */
async function claim(tx: Tx, wabaId: string, numbers: NumberFacts[]): Promise<void> {
  const ids = numbers.map(({ phoneNumberId }) => phoneNumberId).toSorted();
  const sources = [accountRoute, ...ids.map(() => numberRoute)];
  const claims = await tx.$queryRaw<{ isOurs: boolean }[]>`
    select claim_partner_route(r.source, r.id) as "isOurs" from unnest(${sources}::text[], ${[wabaId, ...ids]}::text[]) as r(source, id)`;
  if (!claims.every(({ isOurs }) => isOurs)) throw heldElsewhere();
}

/** The one connection of the account: the row that began becomes it, or hands its token over to the one that is there. */
async function storeConnection(
  tx: Tx,
  keyring: Keyring,
  tenantId: string,
  { connectionId: begun, wabaId, token, scopes, expiresAt }: Connected,
  now: Date,
): Promise<string> {
  const where = { tenantId_partner_externalId: { tenantId, partner: 'WHATSAPP', externalId: wabaId } };
  const known = await tx.connection.findUnique({ where, select: { id: true } });
  const id = known?.id ?? begun;
  const { grantHash } = await tx.connection.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: begun } },
    select: { grantHash: true },
  });
  if (id !== begun)
    await tx.connection.delete({ where: { tenantId_id: { tenantId, id: begun } }, select: { id: true } });
  await tx.connection.update({
    where: { tenantId_id: { tenantId, id } },
    data: {
      externalId: wabaId,
      status: 'ACTIVE',
      brokenReason: null,
      grantHash,
      token: seal(keyring, tokenCell(tenantId, id), token),
      tokenExpiresAt: expiresAt,
      scopes,
      updatedAt: now,
    },
    select: { id: true },
  });
  return id;
}
