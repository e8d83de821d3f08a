import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { hello, setStage, type Stage } from '../stage.ts';

/** How a send looked from outside. */
async function outcome(sending: Promise<{ status: number; body: { error?: { code: number } } }>): Promise<unknown> {
  try {
    const { status, body } = await sending;
    return status === 200 ? 'accepted' : body.error?.code;
  } catch (error) {
    return error instanceof SyntaxError ? 'unreadable' : 'lost';
  }
}

test('a connection that is cut after the acceptance leaves a message that went out and was not answered', async () => {
  await using stage = await setStage();
  stage.meta.failNext({ kind: 'reset', accept: true });
  expect(await outcome(stage.sendHello('+5511988887777', { biz_opaque_callback_data: 'a.1' }))).toBe('lost');
  await stage.meta.settled();
  expect([...stage.meta.messages()]).toMatchObject([{ opaque: 'a.1', answered: false, status: 'read' }]);
  expect(stage.statuses()[0]).toMatchObject({ biz_opaque_callback_data: 'a.1', status: 'sent' });
  expect(stage.meta.books()).toMatchObject({ accepted: 1, unanswered: 1, duplicates: 0 });
});

test('a sender who does not wait for the answer has sent the message all the same', async () => {
  await using stage = await setStage('quiet', { latency: { medianMs: 1_000, p95Ms: 1_000, maxMs: 1_000 } });
  const leaving = new AbortController();
  const given = fetch(`${stage.simulators.url}/meta/v25.0/${stage.number.phoneNumberId}/messages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.number.accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messaging_product: 'whatsapp', to: '+5511988887777', type: 'template', template: hello }),
    signal: leaving.signal,
  });
  const ended = given.then(
    () => 'answered',
    () => 'left',
  );
  await expect.poll(() => stage.meta.books().accepted).toBe(1);
  leaving.abort();
  expect(await ended).toBe('left');
  await stage.sendHello('+5511988887778'); // answered later than the first would have been
  await stage.meta.settled();
  expect([...stage.meta.messages()].map(({ answered, status }) => [answered, status])).toEqual([
    [false, 'read'],
    [true, 'read'],
  ]);
});

test('magic recipients are lost or failed as their digits say, and the books know what was accepted', async () => {
  await using stage = await setStage('quiet', { faults: { hangMs: 20 } });
  const expected: Record<string, [seen: unknown, accepted: number]> = {
    '000408': ['lost', 1],
    '000409': ['lost', 0],
    '000410': ['lost', 1],
    '000411': ['lost', 0],
    '000500': [131000, 1],
    '000501': [131000, 0],
    '000202': ['unreadable', 1],
  };
  for (const [digits, [seen, accepted]] of Object.entries(expected)) {
    const before = stage.meta.books().accepted;
    expect(await outcome(stage.sendHello(`+5511988${digits}`)), digits).toBe(seen);
    expect(stage.meta.books().accepted - before, digits).toBe(accepted);
  }
  expect(stage.meta.books().unanswered).toBe(4);
});

test('magic recipients fail later with the code in their digits', async () => {
  await using stage = await setStage();
  const codes = [131026, 131049, 130472, 131050, 131048, 131042, 131053, 131000, 130403, 130497, 131031, 368, 137000];
  for (const code of codes)
    expect((await stage.sendHello(`+55119880${String(code).padStart(6, '0')}`)).status, String(code)).toBe(200);
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual(Object.fromEntries(codes.map((code) => [code, 1])));
  const failed = stage.statuses().find(({ status }) => status === 'failed');
  expect(failed?.['errors']).toMatchObject([
    { code: 131026, title: 'Message undeliverable', error_data: { details: expect.any(String) } },
  ]);
});

test('magic recipients skip a status, stop at one, or have two ends', async () => {
  await using stage = await setStage();
  const told = async (to: string) => {
    const { body } = await stage.sendHello(to);
    await stage.meta.settled();
    return stage
      .statuses()
      .filter(({ id }) => id === body['messages'][0].id)
      .map(({ status }) => status);
  };
  expect(await told('+5511988000404')).toEqual(['sent']);
  expect(await told('+5511988000201')).toEqual(['sent', 'read']);
  expect(await told('+5511988000600')).toEqual(['sent', 'delivered', 'failed', 'read']);
});

test('the next requests fail as told, for one number or one call, and then no more', async () => {
  await using stage = await setStage();
  const other = stage.addNumber();
  stage.meta.refuseNext(131016, { times: 2, node: stage.number.phoneNumberId });
  stage.meta.refuseNext(80007, { edge: 'message_templates' });
  expect(await outcome(stage.sendHello('+5511988887777', {}, other))).toBe('accepted');
  expect(await outcome(stage.sendHello('+5511988887777'))).toBe(131016);
  expect(await outcome(stage.sendHello('+5511988887777'))).toBe(131016);
  expect(await outcome(stage.sendHello('+5511988887777'))).toBe('accepted');
  const list = () => outcome(stage.graph('GET', `${stage.number.wabaId}/message_templates`));
  expect([await list(), await list()]).toEqual([80007, 'accepted']);
});

test('duplicates count what one message id or one template brought twice to one person', async () => {
  await using stage = await setStage();
  const duplicates = async (to: string, opaque?: string) => {
    await stage.sendHello(to, opaque === undefined ? {} : { biz_opaque_callback_data: opaque });
    return stage.meta.books().duplicates;
  };
  expect(await duplicates('+5511988887771', 'm1.1')).toBe(0);
  expect(await duplicates('+5511988887772', 'm1.1')).toBe(0);
  expect(await duplicates('+5511988887771', 'm2.1')).toBe(0);
  expect(await duplicates('+5511988887771', 'm1.2')).toBe(1);
  expect(await duplicates('+5511988887773')).toBe(1);
  expect(await duplicates('+5511988887773')).toBe(2);
  expect(stage.meta.books().distinctRecipients).toBe(3);

  stage.meta.set({ limits: { pair: false } });
  for (let nth = 0; nth < 40; nth += 1)
    await stage.sendHello('+5511988887774', { biz_opaque_callback_data: `n${nth}.1` });
  expect([await duplicates('+5511988887774', 'n3.2'), await duplicates('+5511988887774', 'n40.1')]).toEqual([3, 3]);
  expect(await duplicates('+5511988887774', 'n40.2')).toBe(4);
});

async function fates(stage: Stage, order: number[]): Promise<string[]> {
  await Promise.all(order.map((nth) => outcome(stage.sendHello(`+5511977${200_000 + nth}`))));
  await stage.meta.settled();
  return [...stage.meta.messages()]
    .map(({ recipient, status, errorCode, answered }) => `${recipient} ${status} ${errorCode} ${answered}`)
    .toSorted();
}

test('under one seed every recipient has the same fate, whoever comes first', async () => {
  const settings = { limits: { throughput: false }, latency: { medianMs: 0 }, faults: { hangMs: 10 } };
  const order = Array.from({ length: 150 }, (_, nth) => nth);
  await using one = await setStage('noisy', settings, 7);
  await using two = await setStage('noisy', settings, 7);
  await using three = await setStage('noisy', settings, 8);
  const [first, second, third] = [
    await fates(one, order),
    await fates(two, order.toReversed()),
    await fates(three, order),
  ];
  expect(second).toEqual(first);
  expect(third).not.toEqual(first);
  expect(first.some((fate) => fate.includes('false'))).toBe(true);
  expect(first.some((fate) => fate.includes('failed 131026'))).toBe(true);
});

test('an answer takes its time', async () => {
  await using stage = await setStage('quiet', { latency: { medianMs: 60, p95Ms: 60, maxMs: 60 } });
  const sending = stage.sendHello('+5511988887777');
  expect(await Promise.race([sending.then(() => 'answered'), sleep(20).then(() => 'waiting')])).toBe('waiting');
  expect((await sending).status).toBe(200);
});
