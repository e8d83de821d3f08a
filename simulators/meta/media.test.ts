import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { setStage, type Stage } from '../stage.ts';

async function upload(stage: Stage, type: string, bytes = 'picture', product = 'whatsapp'): Promise<Response> {
  const form = new FormData();
  form.set('messaging_product', product);
  form.set('type', type);
  form.set('file', new Blob([bytes], { type }), 'file');
  return fetch(`${stage.simulators.url}/meta/v25.0/${stage.number.phoneNumberId}/media`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.number.accessToken}` },
    body: form,
  });
}

test('a file is uploaded, described, fetched with the token within five minutes, and deleted', async () => {
  await using stage = await setStage();
  const { id } = (await (await upload(stage, 'image/png')).json()) as { id: string };
  const { body } = await stage.graph('GET', id);
  expect(body).toMatchObject({
    id,
    mime_type: 'image/png',
    file_size: '7',
    sha256: createHash('sha256').update('picture').digest('hex'),
  });
  const fetched = (authorization: string) => fetch(body['url'], { headers: authorization ? { authorization } : {} });
  const mine = await fetched(`Bearer ${stage.number.accessToken}`);
  expect([mine.headers.get('content-type'), await mine.text()]).toEqual(['image/png', 'picture']);
  expect((await fetched('')).status).toBe(403);
  stage.simulators.advance(5 * 60_000);
  expect((await fetched(`Bearer ${stage.number.accessToken}`)).status).toBe(404);
  expect((await stage.graph('DELETE', id)).body).toEqual({ success: true });
  expect((await stage.graph('GET', id)).body['error'].error_subcode).toBe(33);
});

test('a file of a type that is not taken, too large, or without its product is refused', async () => {
  await using stage = await setStage();
  const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: number } }).error.code;
  expect(await codeOf(await upload(stage, 'image/gif'))).toBe(100);
  expect(await codeOf(await upload(stage, 'image/webp', 'x'.repeat(600_000)))).toBe(131053);
  expect(await codeOf(await upload(stage, 'image/png', 'x', 'telegram'))).toBe(100);
  expect((await stage.graph('POST', `${stage.number.phoneNumberId}/media`, {})).body['error'].code).toBe(100);
});

test('an upload is sent from its own number only, for 30 days, and as what it is', async () => {
  await using stage = await setStage();
  const { id } = (await (await upload(stage, 'image/png')).json()) as { id: string };
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  const image = { to: '+5511988887777', type: 'image', image: { id } };
  expect((await stage.send(image)).status).toBe(200);
  expect((await stage.send(image, stage.addNumber())).body['error'].code).toBe(100);
  expect((await stage.send({ ...image, type: 'video', video: { id } })).status).toBe(200);
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual({ 131053: 1 });
  stage.simulators.advance(30 * 86_400_000);
  expect((await stage.send(image)).body['error'].code).toBe(100);
});

test('what a user sends can be fetched for a week', async () => {
  await using stage = await setStage();
  stage.meta.inbound(
    stage.number.phoneNumberId,
    { phone: '+5511988887777' },
    { type: 'image', content: { caption: 'oi' } },
  );
  await stage.meta.settled();
  const image = stage.changes()[0]?.messages?.[0]?.['image'] as Record<string, string>;
  expect(image).toMatchObject({ caption: 'oi', mime_type: 'image/jpeg' });
  const fetched = await fetch(String(image['url']), {
    headers: { authorization: `Bearer ${stage.number.accessToken}` },
  });
  expect(
    createHash('sha256')
      .update(Buffer.from(await fetched.arrayBuffer()))
      .digest('hex'),
  ).toBe(image['sha256']);
  stage.simulators.advance(7 * 86_400_000);
  expect((await stage.graph('GET', String(image['id']))).status).toBe(400);
});

test('an upload in pieces goes on where it stopped', async () => {
  await using stage = await setStage();
  const { appId } = stage.meta.credentials;
  const { body: opened } = await stage.graph(
    'POST',
    `${appId}/uploads?file_name=a.pdf&file_length=6&file_type=application/pdf`,
  );
  const put = async (offset: number, bytes: string) => {
    const answer = await fetch(`${stage.simulators.url}/meta/v25.0/${opened['id']}`, {
      method: 'POST',
      headers: { authorization: `OAuth ${stage.number.accessToken}`, file_offset: String(offset) },
      body: bytes,
    });
    return (await answer.json()) as Record<string, unknown>;
  };
  expect(await put(0, 'abc')).not.toHaveProperty('h');
  expect((await stage.graph('GET', opened['id'])).body).toEqual({ id: opened['id'], file_offset: 3 });
  expect(await put(0, 'abc')).toHaveProperty('error');
  expect(await put(3, 'def')).toEqual({ h: expect.stringMatching(/^4::/) });
});
