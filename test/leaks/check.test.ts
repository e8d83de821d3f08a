import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findLeaks } from './check.ts';

test('a secret that one test kept and another wrote is found, and is not written once more', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-leaks-'));
  const secret = (kind: string, text: string) => `${JSON.stringify({ kind, text })}\n`;
  await writeFile(join(folder, 'secrets.1'), secret('password', 'correct horse') + secret('phone', '+5511987654321'));
  await writeFile(join(folder, 'secrets.2'), secret('token', 'eyJhbGciOiJFZERTQSJ9'));
  await writeFile(join(folder, 'written.2'), 'api log\t{"msg":"request"}\njobs\t{"note":"call +5511987654321"}\n');
  await writeFile(join(folder, 'written.3'), 'api log\t{"msg":"Bearer eyJhbGciOiJFZERTQSJ9"}\n');
  await writeFile(join(folder, 'written.4'), 'table contacts\t(+5511987654321)\ntable users\t(1,"correct horse")\n');
  const leaks = await findLeaks(folder);
  expect(leaks.toSorted()).toEqual([
    'api log\t{"msg":"Bearer [the token]"}',
    'jobs\t{"note":"call [the phone]"}',
    'table users\t(1,"[the password]")',
  ]);
  await rm(folder, { recursive: true });
});
