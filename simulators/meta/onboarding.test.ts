import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { setStage, type Stage } from '../stage.ts';

function exchange(stage: Stage, code: string, secret = stage.meta.credentials.appSecret) {
  const { appId } = stage.meta.credentials;
  return stage.graph(
    'GET',
    `oauth/access_token?client_id=${appId}&client_secret=${secret}&code=${encodeURIComponent(code)}`,
  );
}

test('a sign-up code gives one token, once, within 30 seconds, to the app that has the secret', async () => {
  await using stage = await setStage();
  const { code, wabaId } = stage.addNumber();
  expect((await exchange(stage, code, 'wrong')).body['error'].code).toBe(1);
  const { body } = await exchange(stage, code);
  expect(body).toEqual({ access_token: expect.stringMatching(/^EAA/), token_type: 'bearer' });
  expect((await stage.graph('GET', wabaId, undefined, body['access_token'])).status).toBe(200);
  expect((await exchange(stage, code)).body['error']).toMatchObject({ code: 100, error_subcode: 36_009 });

  const late = stage.meta.createCode(wabaId);
  stage.simulators.advance(30_000);
  expect((await exchange(stage, late)).body['error']).toMatchObject({ code: 100, error_subcode: 36_007 });
});

test('debug_token tells what a token is worth and which accounts it opens', async () => {
  await using stage = await setStage('quiet', { tokens: { lifetimeMs: 60_000 } });
  const { appId, appSecret } = stage.meta.credentials;
  const { accessToken, wabaId } = stage.addNumber();
  const debug = async (token: string) =>
    (await stage.graph('GET', `debug_token?input_token=${token}`, undefined, `${appId}|${appSecret}`)).body['data'];
  const told = await debug(accessToken);
  expect(told).toMatchObject({ app_id: appId, type: 'SYSTEM_USER', is_valid: true });
  expect(told.granular_scopes).toContainEqual({ scope: 'whatsapp_business_management', target_ids: [wabaId] });
  expect(told.expires_at - told.issued_at).toBe(60);
  stage.simulators.advance(61_000);
  expect(await debug(accessToken)).toMatchObject({ is_valid: false, error: { code: 190, subcode: 463 } });
  expect(await debug('nonsense')).toMatchObject({ is_valid: false });
});

test('the proof of the app secret must be right, and must be there when it is required', async () => {
  await using stage = await setStage();
  const read = async (query: string) => (await stage.graph('GET', `${stage.number.wabaId}${query}`)).body['error'];
  expect(await read('')).toBeUndefined();
  expect(await read('?appsecret_proof=00')).toMatchObject({ code: 100, type: 'GraphMethodException' });
  stage.meta.set({ tokens: { requireProof: true } });
  expect(await read('')).toMatchObject({ code: 100, type: 'GraphMethodException' });
  const proof = createHmac('sha256', stage.meta.credentials.appSecret).update(stage.number.accessToken).digest('hex');
  expect(await read(`?appsecret_proof=${proof}`)).toBeUndefined();
});

test('a number is registered with its PIN, ten times in 72 hours', async () => {
  await using stage = await setStage();
  const { phoneNumberId, accessToken } = stage.addNumber({ isRegistered: false, pin: '111111' });
  const register = async (pin: unknown) => {
    const body = { messaging_product: 'whatsapp', pin };
    const answer = await stage.graph('POST', `${phoneNumberId}/register`, body, accessToken);
    return answer.status === 200 ? answer.body : answer.body['error'].code;
  };
  expect(await register(111_111)).toBe(100);
  expect(await register('222222')).toBe(133005);
  for (let nth = 0; nth < 9; nth += 1) expect(await register('111111')).toEqual({ success: true });
  expect(await register('111111')).toBe(133016);
  stage.simulators.advance(72 * 3_600_000 + 1);
  expect(await register('111111')).toEqual({ success: true });
});

test('a number whose ownership was not shown cannot be registered', async () => {
  await using stage = await setStage();
  const { phoneNumberId, accessToken } = stage.addNumber({ isRegistered: false, isVerified: false });
  const post = async (edge: string, body: Record<string, unknown>) => {
    const answer = await stage.graph('POST', `${phoneNumberId}/${edge}`, body, accessToken);
    return answer.status === 200 ? 'done' : answer.body['error'].code;
  };
  const pin = { messaging_product: 'whatsapp', pin: '123456' };
  expect(await post('register', pin)).toBe(133006);
  expect(await post('request_code', { code_method: 'SMS', language: 'pt_BR' })).toBe('done');
  expect(await post('verify_code', { code: '000000' })).toBe(135000);
  expect(await post('verify_code', { code: '123456' })).toBe('done');
  expect(await post('register', pin)).toBe('done');
});

test('an account says which app is subscribed, and no more after it was taken off', async () => {
  await using stage = await setStage();
  const { wabaId, accessToken } = stage.addNumber({ isSubscribed: false });
  const apps = async (method: string) =>
    (await stage.graph(method, `${wabaId}/subscribed_apps`, undefined, accessToken)).body;
  expect(await apps('GET')).toEqual({ data: [] });
  expect(await apps('POST')).toEqual({ success: true });
  expect((await apps('GET'))['data']).toMatchObject([
    { whatsapp_business_api_data: { id: stage.meta.credentials.appId } },
  ]);
  await apps('DELETE');
  expect(await apps('GET')).toEqual({ data: [] });
});

test('a number tells its speed, limit and quality, and only the fields that were asked for', async () => {
  await using stage = await setStage();
  const { phoneNumberId, wabaId, accessToken } = stage.addNumber({
    level: 'STANDARD',
    tier: 'TIER_10K',
    quality: 'YELLOW',
  });
  const fields = 'throughput,quality_rating,whatsapp_business_manager_messaging_limit,status,health_status';
  const read = async (path: string) => (await stage.graph('GET', path, undefined, accessToken)).body;
  expect(await read(`${phoneNumberId}?fields=${fields}`)).toEqual({
    id: phoneNumberId,
    throughput: { level: 'STANDARD' },
    quality_rating: 'YELLOW',
    whatsapp_business_manager_messaging_limit: 'TIER_10K',
    status: 'CONNECTED',
    health_status: expect.objectContaining({ can_send_message: 'AVAILABLE' }),
  });
  expect(Object.keys(await read(phoneNumberId)).toSorted()).toEqual(
    ['id', 'display_phone_number', 'quality_rating', 'verified_name'].toSorted(),
  );
  stage.meta.changeNumber(phoneNumberId, { level: 'HIGH' });
  stage.meta.changeAccount(wabaId, { tier: 'TIER_UNLIMITED' });
  expect((await read(`${wabaId}/phone_numbers?fields=id,throughput`))['data']).toEqual([
    { id: phoneNumberId, throughput: { level: 'HIGH' } },
  ]);
  await stage.meta.settled();
  expect(stage.changes('phone_number_quality_update')).toMatchObject([{ event: 'THROUGHPUT_UPGRADE' }]);
  expect(stage.changes('business_capability_update')).toMatchObject([
    { max_daily_conversations_per_business: 'TIER_UNLIMITED' },
  ]);
});

test('any version answers, and what does not exist is refused as Meta does', async () => {
  await using stage = await setStage();
  const headers = { authorization: `Bearer ${stage.number.accessToken}` };
  for (const prefix of ['v19.0/', 'v99.0/', ''])
    expect((await fetch(`${stage.simulators.url}/meta/${prefix}${stage.number.wabaId}`, { headers })).status).toBe(200);
  for (const path of ['1', `${stage.number.wabaId}/nothing`, 'me/accounts'])
    expect((await stage.graph('GET', path)).body['error']).toMatchObject({
      code: 100,
      error_subcode: 33,
      type: 'GraphMethodException',
    });
});

test('who wrote within a day can be blocked, and is then neither heard nor reached', async () => {
  await using stage = await setStage();
  const path = `${stage.number.phoneNumberId}/block_users`;
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  const users = {
    messaging_product: 'whatsapp',
    block_users: [{ user: '+5511988887777' }, { user: '+5511988887778' }],
  };
  const { status, body } = await stage.graph('POST', path, users);
  expect(status).toBe(400);
  expect(body).toMatchObject({
    error: { code: 139100 },
    block_users: { added_users: [{ wa_id: '5511988887777' }], failed_users: [{ errors: [{ code: 131047 }] }] },
  });
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  await stage.sendHello('+5511988887777');
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual({ 130403: 1 });
  expect(stage.changes().filter(({ messages }) => messages)).toHaveLength(1);
});
