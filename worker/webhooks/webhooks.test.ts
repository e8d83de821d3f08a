import { createMeta, type Meta } from '../../connectors/whatsapp/meta.ts';
import { findTenantsWithOldEvents } from '../../domain/webhooks/jobs.ts';
import { purgeEvents, purgeUnrouted } from '../../domain/webhooks/purge-events.ts';
import { findSilentNumbers, heardOf } from '../../domain/webhooks/silence.ts';
import { storeEvents, storeUnrouted } from '../../domain/webhooks/store-events.ts';
import { inScope, inTenant } from '../../prisma/client.ts';
import { expect } from '../../test/fixtures.ts';
import { eventually, test as base } from '../../test/fleet/fleet.ts';
import { makeTenant } from '../../test/make.ts';
import {
  appSecret,
  delivery,
  makeNumber,
  makeSentMessage,
  newWamid,
  post,
  seconds,
  verifyToken,
} from '../../test/webhooks.ts';

const test = base.extend<{ meta: Meta | null }>({
  meta: async ({}, use) => {
    const config = { graphUrl: 'http://127.0.0.1:9', graphVersion: 'v25.0', appId: '1' };
    await using meta = createMeta({ ...config, appSecrets: [appSecret], verifyToken });
    await use(meta);
  },
});

test('what is stored is applied by a worker without the clock: every wake-up comes, also for the last write of many', async ({
  api,
  db,
  fleet,
  scratch,
}) => {
  const numbers = await Promise.all(Array.from({ length: 3 }, async () => makeNumber(db, await makeTenant(db))));
  await fleet.start({ main: true, env: { WORKER_CLOCK_MS: '600000', WORKER_POLL_MS: '600000' } }).up();
  for (let burst = 0; burst < 20; burst += 1) {
    const deliveries = numbers.map(async (number) => {
      const ids = await Promise.all([makeSentMessage(db, number), makeSentMessage(db, number)]);
      const answers = await Promise.all(
        ids.map((id) =>
          post(
            api,
            delivery(number, {
              statuses: [
                { id: newWamid(), status: 'sent', timestamp: seconds(Date.now()), biz_opaque_callback_data: `${id}.1` },
              ],
            }),
          ),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    });
    await Promise.all(deliveries);
  }
  // The clock and the poll sleep for ten minutes: only wake-ups bring it there.
  await eventually(scratch, `select count(*)::int from messages where status = 'SENT'`, 120, 20_000);
});

test('after a week nothing is left of a raw event but its key, and after a month not even that; what leads to nobody goes after a week', async ({
  db,
  scratch,
}) => {
  const [tenantId, other] = [await makeTenant(db), await makeTenant(db)];
  const event = (key: string) => ({ key, kind: 'OTHER' as const, payload: '{}' });
  await inTenant(db, tenantId, (tx) =>
    storeEvents(tx, tenantId, 'META', ['month', 'week', 'week-due', 'fresh'].map(event)),
  );
  await inTenant(db, other, (tx) => storeEvents(tx, other, 'META', [event('fresh')]));
  await inScope(db, {}, (tx) =>
    storeUnrouted(tx, 'META', [
      { key: 'old', externalId: '1', payload: '{}' },
      { key: 'new', externalId: null, payload: '{}' },
    ]),
  );
  await scratch.query(`update webhook_events set due_at = null where key <> 'week-due'`);
  await scratch.query(`update webhook_events set received_at = now() - interval '31 days' where key = 'month'`);
  await scratch.query(`update webhook_events set received_at = now() - interval '8 days' where key like 'week%'`);
  await scratch.query(`update unrouted_events set received_at = now() - interval '8 days' where key = 'old'`);

  expect(await inScope(db, {}, (tx) => findTenantsWithOldEvents(tx, 10))).toEqual([{ tenantId }]);
  for (let found = 1; found > 0;) found = await inTenant(db, tenantId, (tx) => purgeEvents(tx, tenantId, 1));
  const { rows } = await scratch.query<{ key: string }>(
    `select key, payload is null as blank, due_at is null as done, problem from webhook_events where tenant_id = $1 order by key`,
    [tenantId],
  );
  expect(rows).toEqual([
    { key: 'fresh', blank: false, done: true, problem: null },
    { key: 'week', blank: true, done: true, problem: null },
    { key: 'week-due', blank: true, done: true, problem: 'TOO_OLD' },
  ]);
  expect(await inScope(db, {}, (tx) => findTenantsWithOldEvents(tx, 10))).toEqual([]);
  expect(await inScope(db, {}, (tx) => purgeUnrouted(tx, 10))).toBe(1);
  expect(await inScope(db, {}, (tx) => purgeUnrouted(tx, 10))).toBe(0);
});

test('a number is silent when messages were accepted and no status has come for ten minutes, and only then', async ({
  db,
  scratch,
}) => {
  const silent = async () => (await inScope(db, {}, (tx) => findSilentNumbers(tx, 10))).map(({ numberId }) => numberId);
  const number = await makeNumber(db, await makeTenant(db));
  const id = await makeSentMessage(db, number);
  const acceptedAgo = (ago: string) =>
    scratch.query(
      `update messages set status = 'ACCEPTED', open_until = null, accepted_at = now() - $2::interval where id = $1`,
      [id, ago],
    );
  expect(await silent()).toEqual([]);
  await acceptedAgo('2 minutes'); // too early to say
  expect(await silent()).toEqual([]);
  await acceptedAgo('12 minutes');
  expect(await silent()).toEqual([number.numberId]);
  await acceptedAgo('20 minutes'); // nothing was to come of late
  expect(await silent()).toEqual([]);
  await acceptedAgo('12 minutes');
  await inTenant(db, number.tenantId, (tx) => heardOf(tx, number.tenantId, [number.numberId]));
  expect(await silent()).toEqual([]);
  await scratch.query(`update number_paces set status_at = now() - interval '11 minutes'`); // heard since, and all quiet
  expect(await silent()).toEqual([]);
});
