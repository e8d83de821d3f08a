import type { BooksSummary } from '../../simulators/meta/books.ts';
import type { Client } from '../client.ts';
import type { SimulatorsProcess } from '../simulators-process.ts';
import { states, type Totals } from './campaign.ts';

type Recipient = { id: string; status: string; wamid: string | null; contact: { id: string } | null };
/** A message in the simulator's books, a JSON line each. */
type Booked = { wamid: string; opaque?: string; status: string };

const reachedBy: Record<string, readonly string[]> = {
  accepted: ['ACCEPTED'],
  sent: ['SENT'],
  delivered: ['DELIVERED'],
  read: ['READ'],
  failed: ['FAILED'],
};

/** Every recipient against the simulator's books, one by one. Returns what does not agree. */
export async function reconcileCampaign(
  client: Client,
  simulators: SimulatorsProcess,
  campaignId: string,
  { totals, books, contacts }: { totals: Totals; books: BooksSummary; contacts: number },
): Promise<string[]> {
  const wrong: string[] = [];
  const compare = (what: string, found: number, expected: number) => {
    if (found !== expected) wrong.push(`${what}: ${found} instead of ${expected}`);
  };
  compare('audience', totals.audience, contacts);
  compare(
    'the states together',
    states.reduce((sum, state) => sum + totals[state], 0),
    totals.audience,
  );
  compare('still open', totals.queued + totals.inFlight, 0);
  compare('people who were written to twice', books.duplicates, 0);
  compare('people who were written to', books.distinctRecipients, books.accepted);

  const recipients = await allRecipients(client, campaignId);
  compare('recipients', recipients.size, totals.audience);
  compare(
    'contacts among them',
    new Set([...recipients.values()].map(({ contact }) => contact?.id)).size,
    totals.audience,
  );
  const booked = await readBooks(simulators);
  compare('messages in the books', booked.size, books.accepted);
  const differing: string[] = [];
  for (const [id, { status, wamid }] of recipients) {
    const known = booked.get(id);
    const agrees = known
      ? (reachedBy[known.status]?.includes(status) ?? false) && known.wamid === wamid
      : ['SKIPPED', 'UNKNOWN', 'FAILED', 'EXPIRED'].includes(status);
    if (!agrees) differing.push(`${status} here, ${known?.status ?? 'unheard of'} there`);
  }
  if (differing.length > 0)
    wrong.push(`${differing.length} messages stand elsewhere in the books: ${[...new Set(differing)].join('; ')}`);
  return wrong;
}

async function allRecipients(client: Client, campaignId: string): Promise<Map<string, Recipient>> {
  const recipients = new Map<string, Recipient>();
  for (let after: string | null = null; ;) {
    const {
      node,
    }: { node: { recipients: { nodes: Recipient[]; pageInfo: { hasNextPage: boolean; endCursor: string } } } } =
      await client.run(
        `query ($id: ID!, $after: String) { node(id: $id) { ... on Campaign {
        recipients(first: 100, after: $after) { nodes { id status wamid contact { id } } pageInfo { hasNextPage endCursor } } } } }`,
        { id: campaignId, after },
      );
    for (const recipient of node.recipients.nodes) recipients.set(ownId(recipient.id), recipient);
    if (!node.recipients.pageInfo.hasNextPage) return recipients;
    after = node.recipients.pageInfo.endCursor;
  }
}

/** What the simulator accepted, by the message's own id: what stands before the attempt in the callback data. */
async function readBooks(simulators: SimulatorsProcess): Promise<Map<string, Booked>> {
  const answer = await fetch(`${simulators.url}/__control/books/messages`);
  const lines = (await answer.text()).split('\n').filter(Boolean);
  return new Map(
    lines.map((line) => {
      const booked = JSON.parse(line) as Booked;
      return [(booked.opaque ?? '').split('.')[0] ?? '', booked];
    }),
  );
}

/** The id that a global id is made of. */
const ownId = (globalId: string) => Buffer.from(globalId, 'base64').toString('utf8').split(':')[1] ?? '';
