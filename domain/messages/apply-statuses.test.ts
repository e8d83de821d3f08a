import type { WireStatus } from '../../connectors/whatsapp/webhook-payloads.ts';
import { type Db, inTenant } from '../../prisma/client.ts';
import { expect, test } from '../../test/fixtures.ts';
import { makeContact, makeTenant } from '../../test/make.ts';
import { makeNumber, makeSentMessage, newWamid, type TestNumber } from '../../test/webhooks.ts';
import { applyStatuses } from './apply-statuses.ts';
import { forgetPeople } from './forget-people.ts';
import { recordOutcomes } from './outcomes.ts';

const second = 1_000;
const start = Date.UTC(2026, 8, 22);

/** Random numbers that can be repeated (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const kinds = ['sent', 'delivered', 'read', 'failed', 'failed', 'played'] as const;
const codes = [131026, 131049, 131000, null];
const prices = [
  null,
  null,
  { category: 'marketing', type: 'regular' },
  { category: 'marketing', type: 'free_entry_point' },
  { category: 'utility', type: null },
];

/** What is said about one message of a seed: attempt 2 is the one that counts. */
type Said = { attempt: number; status: WireStatus };

function storyOf(seed: number): { said: Said[]; isAccepted: boolean } {
  const pick = random(seed);
  const said = Array.from({ length: 1 + pick(7) }, (): Said => {
    const status = kinds[pick(kinds.length)] ?? 'sent';
    const code = status === 'failed' ? (codes[pick(codes.length)] ?? null) : null;
    const at = new Date(start + pick(6) * second); // few, so that times meet
    const pricing = prices[pick(prices.length)] ?? null;
    return {
      attempt: pick(8) === 0 ? 1 : 2,
      status: { wamid: `wamid.${seed}`, status, at, code, pricing, callbackData: null },
    };
  });
  return { said, isAccepted: pick(2) === 0 };
}

/** The same, in another order, some of it several times, dealt out to rounds. */
function deal({ said }: { said: Said[] }, pick: (below: number) => number, rounds: number): Said[][] {
  const repeated = said.flatMap((one) => Array.from({ length: 1 + pick(3) }, () => one));
  for (let i = repeated.length - 1; i > 0; i -= 1) {
    const j = pick(i + 1);
    [repeated[i], repeated[j]] = [repeated[j] as Said, repeated[i] as Said];
  }
  const dealt: Said[][] = Array.from({ length: rounds }, () => []);
  for (const one of repeated) dealt[pick(rounds)]?.push(one);
  return dealt;
}

/** What a row has to say in the end, worked out without any of the code under test. */
function expected({ said, isAccepted }: ReturnType<typeof storyOf>): Record<string, unknown> {
  const heard = said.filter(({ attempt }) => attempt === 2).map(({ status }) => status);
  const first = (kind: string) =>
    Math.min(...heard.filter(({ status }) => status === kind).map(({ at }) => at.getTime()));
  const time = (kind: string) => (Number.isFinite(first(kind)) ? new Date(first(kind)).toISOString() : null);
  const failures = heard.filter(({ status, at }) => status === 'failed' && at.getTime() === first('failed'));
  const known = failures.flatMap(({ code }) => code ?? []);
  const priced = heard.flatMap(({ pricing }) => pricing ?? []).map(({ type, category }) => [type ?? '', category]);
  const [price] = priced.sort((a, b) => (a.join(' ') < b.join(' ') ? -1 : 1));
  const [sent, delivered, read, played, failed] = [
    time('sent'),
    time('delivered'),
    time('read'),
    time('played'),
    time('failed'),
  ];
  const status =
    (read ?? played)
      ? 'READ'
      : delivered
        ? 'DELIVERED'
        : failed
          ? 'FAILED'
          : sent
            ? 'SENT'
            : isAccepted
              ? 'ACCEPTED'
              : 'DISPATCHING';
  return {
    status,
    sent,
    delivered,
    read,
    played,
    failed,
    isAccepted,
    isOpen: status === 'DISPATCHING',
    isDue: false,
    code: known.length > 0 ? Math.min(...known) : null,
    category: price?.[1] ?? null,
    type: price?.[0] || null,
  };
}

const rowsOf = (db: Db, tenantId: string, ids: readonly string[]) =>
  inTenant(db, tenantId, async (tx) => {
    const rows = await tx.message.findMany({ where: { tenantId, id: { in: [...ids] } } });
    const time = (at: Date | null) => at?.toISOString() ?? null;
    return new Map(
      rows.map((row) => [
        row.id,
        JSON.stringify({
          status: row.status,
          sent: time(row.sentAt),
          delivered: time(row.deliveredAt),
          read: time(row.readAt),
          played: time(row.playedAt),
          failed: time(row.failedAt),
          isAccepted: row.acceptedAt !== null,
          isOpen: row.openUntil !== null,
          isDue: row.dueAt !== null,
          code: row.failureCode,
          category: row.pricingCategory,
          type: row.pricingType,
        }),
      ]),
    );
  });

test('whatever the order, the repeats and the batches, the rows end byte-equal: 1,000 seeds, three ways each', async ({
  db,
}) => {
  const [seeds, copies, rounds] = [1_000, 3, 3];
  const tenantId = await makeTenant(db);
  const numbers = await Promise.all(Array.from({ length: copies }, () => makeNumber(db, tenantId)));
  const stories = Array.from({ length: seeds }, (_, seed) => storyOf(seed));
  for (const [copy, number] of numbers.entries()) {
    const wamidOf = (seed: number) => `wamid.${copy}.${seed}`;
    const ids = await makeSent(db, number, seeds);
    const pick = random(copy + 1);
    const dealt = stories.map((story) => deal(story, pick, rounds));
    const answeredIn = stories.map(() => pick(rounds));
    for (let round = 0; round < rounds; round += 1) {
      const statuses = dealt.flatMap((parts, seed) =>
        (parts[round] ?? []).map(({ attempt, status }) => ({
          ...status,
          wamid: wamidOf(seed),
          callbackData: `${ids[seed]}.${attempt}`,
        })),
      );
      for (let from = 0; from < statuses.length; from += 1_000) {
        await inTenant(db, tenantId, (tx) => applyStatuses(tx, tenantId, statuses.slice(from, from + 1_000)));
      }
      await accept(
        db,
        number,
        ids.flatMap((id, seed) =>
          stories[seed]?.isAccepted && answeredIn[seed] === round ? [{ id, wamid: wamidOf(seed) }] : [],
        ),
      );
    }
    const rows = await rowsOf(db, tenantId, ids);
    for (const [seed, story] of stories.entries()) {
      expect(rows.get(ids[seed] ?? ''), `seed ${seed}, copy ${copy}`).toBe(JSON.stringify(expected(story)));
    }
  }
});

/** Messages in their second attempt, in one statement. */
async function makeSent(db: Db, { tenantId, numberId }: TestNumber, count: number): Promise<string[]> {
  const rows = await inTenant(db, tenantId, (tx) =>
    tx.message.createManyAndReturn({
      data: Array.from({ length: count }, () => ({
        tenantId,
        numberId,
        direction: 'OUTBOUND',
        type: 'TEMPLATE',
        status: 'DISPATCHING',
        attempt: 2,
        openUntil: new Date(Date.now() + 60_000),
      })),
      select: { id: true },
    }),
  );
  return rows.map(({ id }) => id);
}

/** The answer to the request, as the sender writes it down. */
async function accept(
  db: Db,
  { tenantId, numberId }: TestNumber,
  messages: readonly { id: string; wamid: string }[],
): Promise<void> {
  const outcomes = messages.map(({ id, wamid }) => ({
    message: { id, attempt: 2, campaignId: null, versionId: null, address: '' },
    sent: { outcome: 'accepted' as const, wamid, waId: null, userId: null },
  }));
  await inTenant(db, tenantId, async (tx) => {
    const { accountId, account } = await tx.whatsAppNumber.findFirstOrThrow({
      where: { tenantId, id: numberId },
      select: { accountId: true, account: { select: { connectionId: true } } },
    });
    const gate = { accountId, connectionId: account.connectionId } as Parameters<typeof recordOutcomes>[3];
    await recordOutcomes(tx, tenantId, numberId, gate, outcomes, 60_000);
  });
}

const statusOf = (parts: Partial<WireStatus>): WireStatus => ({
  wamid: newWamid(),
  status: 'sent',
  at: new Date(start),
  callbackData: null,
  code: null,
  pricing: null,
  ...parts,
});

test('a status without our own data finds its message by Meta’s id, and one of another tenant’s message finds nothing', async ({
  db,
}) => {
  const [ours, theirs] = [await makeNumber(db, await makeTenant(db)), await makeNumber(db, await makeTenant(db))];
  const wamid = newWamid();
  const id = await makeSentMessage(db, ours, { wamid });
  const theirId = await makeSentMessage(db, theirs, { wamid: newWamid() });
  const { outcomes } = await inTenant(db, ours.tenantId, (tx) =>
    applyStatuses(tx, ours.tenantId, [
      statusOf({ wamid, status: 'delivered' }),
      statusOf({ callbackData: `${theirId}.1` }),
      statusOf({ wamid, callbackData: 'the data of another app', status: 'read' }),
      statusOf({ wamid, status: 'warning' }),
      statusOf({ wamid, callbackData: `${id}.3` }),
    ]),
  );
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['APPLIED', 'NOT_FOUND', 'APPLIED', 'IGNORED', 'NOT_FOUND']);
  expect([...(await rowsOf(db, ours.tenantId, [id])).values()][0]).toContain('"status":"READ"');
  expect([...(await rowsOf(db, theirs.tenantId, [theirId])).values()][0]).toContain('"status":"DISPATCHING"');
});

test('a status takes a message out of the queue: what has arrived is not sent again', async ({ db }) => {
  const number = await makeNumber(db, await makeTenant(db));
  const id = await makeSentMessage(db, number);
  await inTenant(db, number.tenantId, (tx) =>
    tx.message.updateMany({
      where: { tenantId: number.tenantId, id },
      data: { status: 'QUEUED', dueAt: new Date(), openUntil: null },
    }),
  );
  const { touched } = await inTenant(db, number.tenantId, (tx) =>
    applyStatuses(tx, number.tenantId, [statusOf({ callbackData: `${id}.1` })]),
  );
  expect(touched).toMatchObject([{ id, was: 'QUEUED', status: 'SENT' }]);
  expect([...(await rowsOf(db, number.tenantId, [id])).values()][0]).toContain('"isDue":false');
});

test('what becomes of a message whose person was deleted is still counted; WhatsApp’s id of it, which holds the phone, stays gone', async ({
  db,
}) => {
  const number = await makeNumber(db, await makeTenant(db));
  const { tenantId } = number;
  const contactId = await makeContact(db, tenantId);
  const id = await makeSentMessage(db, number, { contactId, wamid: newWamid() });
  await inTenant(db, tenantId, (tx) => forgetPeople(tx, tenantId, [contactId]));
  await inTenant(db, tenantId, (tx) =>
    applyStatuses(tx, tenantId, [statusOf({ callbackData: `${id}.1`, status: 'delivered' })]),
  );
  const message = await inTenant(db, tenantId, (tx) => tx.message.findFirstOrThrow({ where: { tenantId, id } }));
  expect(message).toMatchObject({ status: 'DELIVERED', wamid: null, contactId: null });
});
