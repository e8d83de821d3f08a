import { createCipheriv, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Keyring } from './keyring.ts';
import { type Cell, open, seal, SealError } from './seal.ts';

const newKey = { kid: '2026-11-22', key: randomBytes(32) };
const oldKey = { kid: 'old.one', key: randomBytes(32) };
const keyring: Keyring = [newKey, oldKey];
const cell: Cell = { table: 'connections', column: 'token', tenantId: 'tenant-1', rowId: 'row-1' };
const secret = 'EAAJ…token – ü';

test('what is sealed opens in its own cell, and never looks the same twice', () => {
  const sealed = seal(keyring, cell, secret);
  expect(sealed).toMatch(/^v1\.2026-11-22\.[\w-]{16}\.[\w-]+\.[\w-]{22}$/);
  expect(sealed).not.toContain(secret);
  expect(open(keyring, cell, sealed)).toBe(secret);
  expect(seal(keyring, cell, secret)).not.toBe(sealed);
  expect(open(keyring, cell, seal(keyring, cell, ''))).toBe('');
});

test('changing any one character, or cutting it off, makes it useless', () => {
  const sealed = seal(keyring, cell, secret);
  for (let at = 0; at < sealed.length; at += 1) {
    const other = sealed[at] === 'A' ? 'B' : 'A';
    expect(() => open(keyring, cell, sealed.slice(0, at) + other + sealed.slice(at + 1)), `character ${at}`).toThrow(
      SealError,
    );
    expect(() => open(keyring, cell, sealed.slice(0, at)), `cut at ${at}`).toThrow(SealError);
  }
});

test('a tag of 4 bytes is refused, though it is the beginning of the right one', () => {
  const parts = seal(keyring, cell, secret).split('.');
  const tag = Buffer.from(parts.pop() ?? '', 'base64url');
  for (const bytes of [4, 8, 12, 15]) {
    const short = [...parts, tag.subarray(0, bytes).toString('base64url')].join('.');
    expect(() => open(keyring, cell, short), `${bytes} bytes`).toThrow(SealError);
  }
});

test('a secret pasted into another row, tenant, column or table does not open', () => {
  const sealed = seal(keyring, cell, secret);
  const elsewhere: Partial<Cell>[] = [
    { rowId: 'row-2' },
    { tenantId: 'tenant-2' },
    { column: 'refresh_token' },
    { table: 'sessions' },
  ];
  for (const other of elsewhere) expect(() => open(keyring, { ...cell, ...other }, sealed)).toThrow(SealError);
});

test('an older key still opens what it sealed, until it is taken away', () => {
  const sealed = seal([oldKey], cell, secret);
  expect(sealed).toContain('.old.one.');
  expect(open(keyring, cell, sealed)).toBe(secret);
  expect(() => open([newKey], cell, sealed)).toThrow('The key that this was sealed with is not there.');
  const impostor = [{ kid: oldKey.kid, key: randomBytes(32) }];
  expect(() => open(impostor, cell, sealed)).toThrow(SealError);
});

test('no error tells what is inside, and nothing else passes for sealed', () => {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', newKey.key, nonce);
  const text = Buffer.concat([cipher.update(secret), cipher.final()]).toString('base64url');
  const unbound = `v1.${newKey.kid}.${nonce.toString('base64url')}.${text}.${cipher.getAuthTag().toString('base64url')}`;
  for (const wrong of ['', secret, 'v1....', 'v2.a.b.c.d', unbound, `${seal(keyring, cell, secret)}.`]) {
    const attempt = () => open(keyring, cell, wrong);
    expect(attempt).toThrow(SealError);
    expect(attempt).not.toThrow(secret);
  }
});
