import type { WireStatus } from '../../connectors/whatsapp/webhook-payloads.ts';
import type { Tx } from '../../prisma/client.ts';
import { finishCampaigns } from '../campaigns/finish.ts';
import { pauseIfFailing } from '../campaigns/health.ts';
import { leadOf } from '../contacts/lead.ts';
import { recordPersonsWord } from '../contacts/person-consent.ts';
import type { AppliedStatuses, Touched } from '../messages/apply-statuses.ts';
import { failureOf } from '../messages/failures.ts';
import { stopWhatDepends } from '../messages/stops.ts';
import { heardOf } from './silence.ts';

/** The person told WhatsApp to stop this business's marketing (reference: whatsapp-cloud-api, section 6.2). */
const stoppedMarketing = 131_050;

const open = new Set(['QUEUED', 'DISPATCHING', 'UNKNOWN']);

/** What a batch of statuses leads to beyond its messages: consents, stops, campaigns that are over or go wrong. In the same transaction. */
export async function followStatuses(
  tx: Tx,
  tenantId: string,
  statuses: readonly WireStatus[],
  { outcomes, touched }: AppliedStatuses,
): Promise<void> {
  await heardOf(tx, tenantId, [...new Set(touched.map(({ numberId }) => numberId))].sort());
  const messages = new Map(touched.map((message) => [message.id, message]));
  const failures = statuses.flatMap((status, index) => {
    const { outcome, messageId } = outcomes[index] ?? { outcome: 'IGNORED', messageId: null };
    const message = messages.get(messageId ?? '');
    return message && outcome === 'APPLIED' && status.status === 'failed' ? [{ message, ...status }] : [];
  });
  for (const { message, at, wamid, code } of failures.filter((failure) => failure.code === stoppedMarketing)) {
    const contactId = message.contactId && (await leadOf(tx, tenantId, message.contactId));
    const proof = `Meta refused ${wamid ?? message.id} with ${code}: the person stopped marketing.`;
    if (contactId) await recordPersonsWord(tx, tenantId, contactId, { granted: false, givenAt: at, proof });
  }
  await stopByCodes(tx, tenantId, failures);
  const news = touched.filter(({ was, status }) => was !== status);
  const failed = campaignsOf(news.filter(({ status }) => status === 'FAILED'));
  if (failed.length > 0) await pauseIfFailing(tx, tenantId, failed);
  const closed = campaignsOf(news.filter(({ was }) => open.has(was)));
  if (closed.length > 0) await finishCampaigns(tx, tenantId, closed);
}

function campaignsOf(messages: readonly Touched[]): string[] {
  return [...new Set(messages.flatMap(({ campaignId }) => campaignId ?? []))].sort();
}

const stopping = new Set(['template', 'number', 'account', 'token']);

/** Some refusals come only afterwards, as a missing payment: they stop as much as an answer does. */
async function stopByCodes(
  tx: Tx,
  tenantId: string,
  failures: readonly { message: Touched; code: number | null }[],
): Promise<void> {
  const stops = failures.flatMap(({ message, code }) =>
    code !== null && stopping.has(failureOf(code).class)
      ? [{ numberId: message.numberId, code, campaignId: message.campaignId, versionId: message.templateVersionId }]
      : [],
  );
  for (const numberId of [...new Set(stops.map((stop) => stop.numberId))].sort()) {
    const number = await tx.whatsAppNumber.findUniqueOrThrow({
      where: { tenantId_id: { tenantId, id: numberId } },
      select: { accountId: true, account: { select: { connectionId: true } } },
    });
    const { accountId, account } = number;
    const through = { numberId, accountId, connectionId: account.connectionId };
    await stopWhatDepends(
      tx,
      tenantId,
      through,
      stops.filter((stop) => stop.numberId === numberId),
    );
  }
}
