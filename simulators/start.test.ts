import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { setStage, type Stage } from './stage.ts';

async function control(stage: Stage, method: string, path: string, body?: unknown) {
  const answer = await fetch(`${stage.simulators.url}/__control/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, any> }; // oxlint-disable-line typescript/no-explicit-any -- the shape is the test's
}

test('the control over HTTP does what the control in the process does', async () => {
  await using stage = await setStage();
  const post = async (path: string, body: unknown) => (await control(stage, 'POST', path, body)).body;
  await post('settings', { meta: { faults: { next: [{ kind: 'error', code: 131016 }] } } });
  expect((await stage.sendHello('+5511988887777')).body['error'].code).toBe(131016);

  const made = await post('meta/numbers', {
    level: 'HIGH',
    tier: 'TIER_UNLIMITED',
    isRegistered: true,
    isSubscribed: true,
  });
  const { id } = await post('meta/templates', {
    wabaId: made['wabaId'],
    name: 'hello',
    language: 'pt_BR',
    category: 'UTILITY',
    components: [{ type: 'BODY', text: 'Olá {{1}}, tudo bem?', example: { body_text: [['Ana']] } }],
  });
  const credentials = { ...stage.number, ...made };
  await stage.sendHello('+5511988887777', { biz_opaque_callback_data: 'm1.1' }, credentials);
  await post('meta/inbound', { phoneNumberId: made['phoneNumberId'], from: '+5511988887777', text: 'oi' });
  await post('meta/preferences', {
    phoneNumberId: made['phoneNumberId'],
    from: { phone: '+5511988887777' },
    value: 'stop',
  });
  await post('meta/events', { wabaId: made['wabaId'], field: 'security', value: { event: 'PIN_CHANGED' } });
  expect(await post(`meta/templates/${id}`, { status: 'PAUSED' })).toMatchObject({ id, status: 'PAUSED' });
  await stage.meta.settled();
  for (const field of ['user_preferences', 'security', 'message_template_status_update'])
    expect(stage.changes(field), field).toHaveLength(1);

  const { body: books } = await control(stage, 'GET', 'books');
  expect(books['meta']).toEqual(structuredClone(stage.meta.books()));
  expect(books['meta']).toMatchObject({ accepted: 1, refused: { 131016: 1 }, reached: { read: 1 } });
  const lines = await (await fetch(`${stage.simulators.url}/__control/books/messages`)).text();
  expect(
    lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([...stage.meta.messages()]);

  await post('meta/tokens', { accessToken: made['accessToken'], state: 'expired' });
  expect((await stage.sendHello('+5511988887777', {}, credentials)).body['error'].code).toBe(190);
  const before = stage.meta.now().getTime();
  await post('clock', { advanceMs: 3_600_000 });
  expect(stage.meta.now().getTime() - before).toBeGreaterThanOrEqual(3_600_000);
  await post('reset', {});
  expect(stage.meta.books().accepted).toBe(0);
  expect((await stage.graph('GET', stage.number.wabaId)).body['error'].code).toBe(190);
});

test('a setting or a control that does not exist is refused', async () => {
  await using stage = await setStage();
  for (const patch of [
    { webhooks: { uri: 'x' } },
    { webhooks: { paused: 'yes' } },
    { failures: { any: { 131026: 'all' } } },
  ])
    expect((await control(stage, 'POST', 'settings', { meta: patch })).status).toBe(400);
  expect((await control(stage, 'POST', 'settings', { meta: { failures: { any: { 131031: 1 } } } })).status).toBe(200);
  expect((await control(stage, 'GET', 'nothing')).status).toBe(404);
  expect((await control(stage, 'POST', 'meta/nothing', {})).status).toBe(404);
  expect((await control(stage, 'POST', 'meta/inbound', { phoneNumberId: '1', from: '+5511988887777' })).status).toBe(
    400,
  );
});

test('the command prints where it is and what it knows, and ends with 0 when asked to', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { ...process.env, SIMULATORS_PORT: '0', SIMULATORS_PROFILE: 'demo', META_APP_SECRET: 'newest,older' },
  });
  let printed = '';
  const isUp = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes('/__control/books')) resolve();
    });
  });
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('exit', (code, signal) => resolve([code, signal]));
  });
  await Promise.race([isUp, ended]);
  const [, url = ''] = /META_GRAPH_URL=(\S+)/.exec(printed) ?? [];
  expect(printed).toContain('META_APP_SECRET=newest\n');
  expect((await fetch(`${url.replace('/meta', '')}/__control/books`)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});
