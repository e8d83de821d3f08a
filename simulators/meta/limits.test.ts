import { expect, test } from 'vitest';
import { setStage, type Stage } from '../stage.ts';

async function codesOf(stage: Stage, recipients: string[], from = stage.number): Promise<(number | 'accepted')[]> {
  const codes: (number | 'accepted')[] = [];
  for (const to of recipients) {
    const { status, body } = await stage.sendHello(to, {}, from);
    codes.push(status === 200 ? 'accepted' : Number(body['error'].code));
  }
  return codes;
}

/** None of them with a magic number. */
const people = (count: number, from = 0) =>
  Array.from({ length: count }, (_, nth) => `+5511988${200_000 + from + nth}`);

test('a number takes a second of its rate at once, and then its rate', async () => {
  await using stage = await setStage();
  const slow = stage.addNumber({ level: 'COEXISTENCE' });
  const codes = await Promise.all(people(200).map((to) => stage.sendHello(to, {}, slow)));
  const refused = codes.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(refused.map(({ body }) => body['error'].code))).toEqual(new Set([130429]));
  stage.simulators.advance(1_000);
  expect(await codesOf(stage, people(20, 300), slow)).toEqual(Array.from({ length: 20 }, () => 'accepted'));
});

test('one user takes 45 at once and then one each six seconds, while others are not affected', async () => {
  await using stage = await setStage();
  const one = Array.from({ length: 46 }, () => '+5511988887777');
  const codes = await codesOf(stage, one);
  expect(codes.slice(0, 45)).toEqual(Array.from({ length: 45 }, () => 'accepted'));
  expect(codes[45]).toBe(131056);
  expect(await codesOf(stage, ['+5511988887778'])).toEqual(['accepted']);
  stage.simulators.advance(6_000);
  expect(await codesOf(stage, ['+5511988887777', '+5511988887777'])).toEqual(['accepted', 131056]);
});

test('a portfolio reaches so many people in 24 hours, over all its numbers; answers in a window are free', async () => {
  await using stage = await setStage();
  const first = stage.addNumber({ tier: 'TIER_250' });
  const second = stage.addNumber({ wabaId: first.wabaId, tier: 'TIER_250' });
  await codesOf(stage, people(200), first);
  await codesOf(stage, people(50, 200), second);
  await codesOf(stage, people(10), second); // who was reached costs nothing more
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual({});

  stage.meta.inbound(first.phoneNumberId, { phone: '+5511988887777' });
  await codesOf(stage, ['+5511988887777', '+5511988887778'], first);
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual({ 131048: 1 });

  stage.simulators.advance(24 * 3_600_000 + 1_000);
  await codesOf(stage, ['+5511988887779'], first);
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual({ 131048: 1 });
});

test('a portfolio at its limit refuses at once when asked to', async () => {
  await using stage = await setStage('quiet', { limits: { portfolio: 'sync' } });
  const small = stage.addNumber({ tier: 'TIER_250' });
  const codes = await codesOf(stage, people(251), small);
  expect(codes.filter((code) => code === 'accepted')).toHaveLength(250);
  expect(codes.at(-1)).toBe(130429);
});

test('limits can be switched off', async () => {
  await using stage = await setStage('quiet', { limits: { throughput: false, pair: false, portfolio: 'off' } });
  const slow = stage.addNumber({ level: 'COEXISTENCE', tier: 'TIER_250' });
  await Promise.all(
    [...people(300), ...Array.from({ length: 60 }, () => '+5511988887777')].map((to) => stage.sendHello(to, {}, slow)),
  );
  await stage.meta.settled();
  expect(stage.meta.books()).toMatchObject({ accepted: 360, refused: {}, failures: {} });
});

test('an account may be managed 5,000 times an hour, 200 before a number is registered, and is told how much it used', async () => {
  await using stage = await setStage();
  const fresh = stage.addNumber({ isRegistered: false });
  const read = () => stage.graph('GET', fresh.wabaId, undefined, fresh.accessToken);
  for (let nth = 0; nth < 199; nth += 1) await read();
  const last = await read();
  expect(last.status).toBe(200);
  expect(JSON.parse(last.headers.get('x-app-usage') ?? '')).toMatchObject({ call_count: 100 });
  const over = await read();
  expect(over.body['error'].code).toBe(80007);
  const usage = JSON.parse(over.headers.get('x-business-use-case-usage') ?? '') as Record<
    string,
    Record<string, number>[]
  >;
  expect(usage[fresh.wabaId]?.[0]?.['estimated_time_to_regain_access']).toBeGreaterThan(0);
  stage.meta.changeNumber(fresh.phoneNumberId, { isRegistered: true });
  expect((await read()).status).toBe(200);
});
