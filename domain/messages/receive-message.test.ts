import { bySystem } from '../audit/record-audit.ts';
import { type Db, inTenant } from '../../prisma/client.ts';
import { describe, expect, type TestApi } from '../../test/fixtures.ts';
import { makeContact, makeTenant } from '../../test/make.ts';
import {
  applyAll,
  delivery,
  envelope,
  makeNumber,
  newWamid,
  post,
  seconds,
  test,
  type TestNumber,
  valueOf,
} from '../../test/webhooks.ts';
import { setConsent } from '../contacts/set-consent.ts';
import { unmergeContact } from '../contacts/unmerge-contact.ts';

type Json = Record<string, unknown>;
const at = (minutesAgo = 1) => seconds(Date.now() - minutesAgo * 60_000);
const text = (from: Json, body: string, minutesAgo = 1): Json => ({
  id: newWamid(),
  timestamp: at(minutesAgo),
  type: 'text',
  text: { body },
  ...from,
});

/** Posts messages as Meta does, and applies them. */
async function receive(
  api: TestApi,
  db: Db,
  number: TestNumber,
  messages: Json[],
  contacts: Json[] = [],
): Promise<void> {
  const answer = await post(api, delivery(number, { ...(contacts.length > 0 ? { contacts } : {}), messages }));
  expect(answer.status).toBe(200);
  expect(await applyAll(db, number.tenantId)).toMatchObject({ failed: 0 });
}

const contactsOf = (db: Db, tenantId: string) =>
  inTenant(db, tenantId, async (tx) => {
    const rows = await tx.contact.findMany({
      where: { tenantId, mergedIntoId: null },
      include: { identities: { orderBy: [{ kind: 'asc' }, { value: 'asc' }] }, windows: true, consents: true },
      orderBy: { createdAt: 'asc' },
    });
    return rows.map(({ identities, ...contact }) => ({
      ...contact,
      known: identities.map(({ kind, value }) => `${kind} ${value}`),
      marketing: contact.consents.find(({ purpose }) => purpose === 'MARKETING')?.granted ?? null,
    }));
  });

const messagesOf = (db: Db, tenantId: string) =>
  inTenant(db, tenantId, (tx) =>
    tx.message.findMany({ where: { tenantId, direction: 'INBOUND' }, orderBy: { id: 'asc' } }),
  );

const start = async (db: Db) => makeNumber(db, await makeTenant(db));

test('a message is stored once with the person who wrote it, made where nobody is known, and opens the window', async ({
  api,
  db,
}) => {
  const number = await start(db);
  const message = text({ from: '5511988887777', context: { id: 'wamid.before', from: '551140000000' } }, 'Olá', 3);
  const contacts = [{ wa_id: '5511988887777', user_id: 'BR.9x', profile: { name: 'Ana', username: 'ana.s' } }];
  await receive(api, db, number, [message], contacts);
  await receive(api, db, number, [message], contacts);
  const [contact, ...others] = await contactsOf(db, number.tenantId);
  expect(others).toEqual([]);
  expect(contact).toMatchObject({
    name: 'Ana',
    known: ['PHONE +5511988887777', 'USERNAME ana.s', 'WHATSAPP_USER_ID BR.9x'],
  });
  expect(contact?.windows.map(({ lastInboundAt }) => seconds(lastInboundAt.getTime()))).toEqual([message['timestamp']]);
  const stored = await messagesOf(db, number.tenantId);
  expect(stored).toHaveLength(1);
  expect(stored[0]).toMatchObject({
    status: 'RECEIVED',
    type: 'TEXT',
    wamid: message['id'],
    contactId: contact?.id,
    contextWamid: 'wamid.before',
    content: { text: { body: 'Olá' } },
  });
  await receive(api, db, number, [text({ from: '5511988887777' }, 'earlier', 60)]);
  const [same] = await contactsOf(db, number.tenantId);
  expect(same?.windows[0]?.lastInboundAt).toEqual(contact?.windows[0]?.lastInboundAt); // it never goes back
});

describe('whoever writes is known by any identity', () => {
  test('a phone that was imported in another spelling becomes what WhatsApp reports', async ({ api, db }) => {
    const number = await start(db);
    const contactId = await makeContact(db, number.tenantId, {
      name: 'Bia',
      phones: [{ value: '+5511988887777', matchKey: '+551188887777' }],
    });
    await receive(
      api,
      db,
      number,
      [text({ from: '551188887777' }, 'oi')],
      [{ wa_id: '551188887777', profile: { name: 'B.' } }],
    );
    expect(await contactsOf(db, number.tenantId)).toMatchObject([
      { id: contactId, name: 'Bia', known: ['PHONE +551188887777'] },
    ]);
  });

  test('a payload that names nothing but the user id works, the first time and the next', async ({ api, db }) => {
    const number = await start(db);
    const contacts = [{ user_id: 'BR.7y', profile: { name: 'Ceu', username: '@ceu' } }];
    await receive(api, db, number, [text({ from_user_id: 'BR.7y' }, 'oi')], contacts);
    await receive(api, db, number, [text({ from_user_id: 'BR.7y' }, 'parar')], contacts);
    const found = await contactsOf(db, number.tenantId);
    expect(found).toMatchObject([{ name: 'Ceu', known: ['USERNAME ceu', 'WHATSAPP_USER_ID BR.7y'], marketing: false }]);
    expect((await messagesOf(db, number.tenantId)).map(({ address }) => address)).toEqual(['BR.7y', 'BR.7y']);
  });

  test('two contacts that turn out to be one person are merged, and can be parted again', async ({ api, db }) => {
    const number = await start(db);
    const { tenantId } = number;
    const imported = await makeContact(db, tenantId, {
      name: 'Davi',
      phones: [{ value: '+905301112233', matchKey: '+905301112233' }],
    });
    await receive(api, db, number, [text({ from_user_id: 'TR.1' }, 'merhaba')]);
    expect(await contactsOf(db, tenantId)).toHaveLength(2);
    await receive(api, db, number, [text({ from: '905301112233', from_user_id: 'TR.1' }, 'benim')]);
    expect(await contactsOf(db, tenantId)).toMatchObject([
      { id: imported, known: ['PHONE +905301112233', 'WHATSAPP_USER_ID TR.1'] },
    ]);
    const { sourceId } = await inTenant(db, tenantId, (tx) =>
      tx.contactMerge.findFirstOrThrow({ where: { tenantId } }),
    );
    await inTenant(db, tenantId, (tx) => unmergeContact(tx, bySystem(tenantId), sourceId));
    expect((await contactsOf(db, tenantId)).map(({ known }) => known)).toEqual([
      ['PHONE +905301112233'],
      ['WHATSAPP_USER_ID TR.1'],
    ]);
  });

  test('a username that changes hands goes along', async ({ api, db }) => {
    const number = await start(db);
    const write = (user_id: string, username: string) =>
      receive(api, db, number, [text({ from_user_id: user_id }, 'hi')], [{ user_id, profile: { username } }]);
    await write('BR.1', 'ana');
    await write('BR.1', 'ana.maria');
    await write('BR.2', 'ana.maria');
    expect((await contactsOf(db, number.tenantId)).map(({ known }) => known)).toEqual([
      ['WHATSAPP_USER_ID BR.1'],
      ['USERNAME ana.maria', 'WHATSAPP_USER_ID BR.2'],
    ]);
  });

  test('a person who changes the number takes the contact along, and the old number is nobody’s', async ({
    api,
    db,
  }) => {
    const number = await start(db);
    await receive(api, db, number, [text({ from: '60121112222', from_user_id: 'MY.1' }, 'hai')]);
    const system = {
      type: 'user_changed_number',
      wa_id: '60193334444',
      user_id: 'MY.2',
      previous_user_id: 'MY.1',
      body: 'x',
    };
    await receive(api, db, number, [{ id: newWamid(), from: '60121112222', timestamp: at(), type: 'system', system }]);
    expect((await contactsOf(db, number.tenantId)).map(({ known }) => known)).toEqual([
      ['PHONE +60193334444', 'WHATSAPP_USER_ID MY.2'],
    ]);
    const moved = { type: 'user_changed_user_id', user_id: 'MY.3', previous_user_id: 'MY.2' };
    await receive(api, db, number, [{ id: newWamid(), timestamp: at(), type: 'system', system: moved }]);
    expect((await contactsOf(db, number.tenantId)).map(({ known }) => known)).toEqual([
      ['PHONE +60193334444', 'WHATSAPP_USER_ID MY.3'],
    ]);
    expect((await messagesOf(db, number.tenantId)).map(({ type }) => type)).toEqual(['TEXT', 'SYSTEM', 'SYSTEM']);
  });

  test('people who write at the same moment, known by different names, become one contact each', async ({
    api,
    db,
  }) => {
    const number = await start(db);
    const from = (index: number) => ({ from: `55119888800${10 + index}`, from_user_id: `BR.${index}` });
    const messages = Array.from({ length: 60 }, (_, index) => text(from(index % 10), 'oi'));
    expect((await post(api, delivery(number, { messages }))).status).toBe(200);
    await Promise.all([applyAll(db, number.tenantId), applyAll(db, number.tenantId)]);
    await applyAll(db, number.tenantId);
    expect(await contactsOf(db, number.tenantId)).toHaveLength(10);
    expect(await messagesOf(db, number.tenantId)).toHaveLength(60);
  });
});

test('every type is stored as it came, with what it refers to: media, replies, reactions, edits, what nobody supports', async ({
  api,
  db,
}) => {
  const number = await start(db);
  const from = '5511988887777';
  const parts: Json[] = [
    {
      type: 'image',
      image: { id: '12345678901234567890', mime_type: 'image/jpeg', sha256: 'x', caption: 'אבג 💐 é/' },
    },
    { type: 'location', location: { latitude: -23.5, longitude: -46.6 } },
    { type: 'contacts', contacts: [{ phones: [{ phone: '1' }] }] },
    { type: 'button', button: { payload: 'yes', text: 'Sim' }, context: { id: 'wamid.t' } },
    { type: 'interactive' },
    { type: 'order', order: { catalog_id: '1', product_items: [] } },
    { type: 'reaction', reaction: { message_id: 'wamid.r', emoji: '' } },
    { type: 'edit', edit: { original_message_id: 'wamid.e', message: { type: 'text', text: { body: 'x' } } } },
    { type: 'revoke', revoke: { original_message_id: 'wamid.v' } },
    { type: 'unsupported', unsupported: { type: 'poll' }, errors: [{ code: 131051, title: 'x' }] },
    { type: 'text', text: { body: 'zero\u0000and \ud800 half' }, referral: { source_type: 'ad' } },
    { type: 'a_type_of_2031', a_type_of_2031: { deep: { '\u0000key': [1] } } },
    {},
  ];
  const messages = parts.map((part) => ({ id: newWamid(), from, timestamp: Number(at()), ...part }));
  await receive(api, db, number, messages);
  const stored = new Map((await messagesOf(db, number.tenantId)).map((row) => [row.wamid, row]));
  const rows = messages.map(({ id }) => stored.get(id));
  expect(rows.map((row) => row?.type)).toEqual([
    ...parts.slice(0, -1).map(({ type }) => String(type).toUpperCase()),
    'UNKNOWN',
  ]);
  expect(rows.map((row) => row?.contextWamid).filter(Boolean)).toEqual(['wamid.t', 'wamid.r', 'wamid.e', 'wamid.v']);
  expect(rows[0]?.content).toEqual({
    image: { id: '12345678901234567890', mime_type: 'image/jpeg', sha256: 'x', caption: 'אבג 💐 é/' },
  });
  expect(rows[6]?.content).toEqual({ reaction: { message_id: 'wamid.r', emoji: '' } });
  expect(rows[10]?.content).toEqual({ text: { body: 'zeroand � half' }, referral: { source_type: 'ad' } });
  expect(rows[11]?.content).toEqual({ a_type_of_2031: { deep: { key: [1] } } });
});

test('what comes in counts against the number’s pace', async ({ api, db }) => {
  const number = await start(db);
  const nextFree = () =>
    inTenant(db, number.tenantId, (tx) => tx.numberPace.findFirstOrThrow({ where: { tenantId: number.tenantId } }));
  await inTenant(db, number.tenantId, (tx) =>
    tx.numberPace.updateMany({ where: { tenantId: number.tenantId }, data: { nextFreeUs: 4_000_000_000_000_000n } }),
  );
  await receive(
    api,
    db,
    number,
    Array.from({ length: 8 }, () => text({ from: '5511988887777' }, 'oi')),
  );
  expect((await nextFree()).nextFreeUs).toBe(4_000_000_000_100_000n); // 8 of 80 a second
});

describe('consent', () => {
  const marketing = { purpose: 'MARKETING', channel: 'WHATSAPP' } as const;
  const prefer = (number: TestNumber, value: string, timestamp: number, category = 'marketing_messages') =>
    envelope(number.wabaId, {
      field: 'user_preferences',
      value: valueOf(number, {
        contacts: [{ wa_id: '5511988887777' }],
        user_preferences: [{ wa_id: '5511988887777', detail: 'x', category, value, timestamp }],
      }),
    });
  const now = () => Math.floor(Date.now() / 1_000);

  test('a wish to stop withdraws marketing at the person’s time, with its proof; a later word does not give it back', async ({
    api,
    db,
  }) => {
    const number = await start(db);
    const { tenantId } = number;
    const contactId = await makeContact(db, tenantId, {
      phones: [{ value: '+5511988887777', matchKey: '+551188887777' }],
    });
    const granted = { ...marketing, granted: true, source: 'IMPORT' as const };
    await inTenant(db, tenantId, (tx) => setConsent(tx, bySystem(tenantId), contactId, granted, new Date()));
    const stop = text({ from: '5511988887777' }, 'PARAR', 5);
    await receive(api, db, number, [stop]);
    await receive(api, db, number, [text({ from: '5511988887777' }, 'start', 1)]);
    const [contact] = await contactsOf(db, tenantId);
    expect(contact?.consents).toMatchObject([{ ...marketing, granted: false, source: 'PERSON' }]);
    expect(seconds(contact?.consents[0]?.givenAt.getTime() ?? 0)).toBe(stop['timestamp']);
    const entries = await inTenant(db, tenantId, (tx) =>
      tx.consentEntry.findMany({ where: { tenantId, granted: false } }),
    );
    expect(entries).toMatchObject([{ source: 'PERSON', proof: expect.stringContaining(String(stop['id'])) }]);
  });

  test('of WhatsApp’s preferences the person’s last one counts, in whatever order they come', async ({ api, db }) => {
    const number = await start(db);
    const say = async (body: Json) => {
      expect((await post(api, body)).status).toBe(200);
      expect(await applyAll(db, number.tenantId)).toMatchObject({ failed: 0 });
      return (await contactsOf(db, number.tenantId)).map(({ marketing }) => marketing);
    };
    const t = now() - 600;
    expect(await say(prefer(number, 'stop', t))).toEqual([false]); // of somebody unknown: remembered
    expect(await say(prefer(number, 'resume', t + 10))).toEqual([true]);
    expect(await say(prefer(number, 'stop', t + 5))).toEqual([true]); // older, and late
    expect(await say(prefer(number, 'stop', t + 20))).toEqual([false]);
    expect(await say(prefer(number, 'resume', t + 20))).toEqual([false]); // in the same second: the stop holds
    expect(await say(prefer(number, 'resume', t + 30, 'another_category'))).toEqual([false]);
    expect(await say(prefer(number, 'resume', t + 40))).toEqual([true]);
  });
});
