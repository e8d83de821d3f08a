import { expect, test } from 'vitest';
import { changesOf } from './changes.ts';
import { sanitise } from './sanitise.ts';

test('whatever a deed is recorded with, no secret and nobody’s address or number gets into the log', () => {
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  const clean = sanitise({
    role: 'ADMIN',
    contactId: id,
    expiresAt: '2026-11-24T10:00:00.000Z',
    accessToken: 'abc',
    password: 'hunter2',
    note: 'write to ana@example.com or call +55 11 98765-4321',
    nested: [{ phone: '123', name: 'VIP', id, given: 'AKIAIOSFODNN7EXAMPLEAKIAIOSFODNN7EXAMPLE' }],
    seats: 12,
    requireTotp: true,
  });
  expect(clean).toEqual({
    role: 'ADMIN',
    contactId: id,
    expiresAt: '2026-11-24T10:00:00.000Z',
    accessToken: '[cut]',
    password: '[cut]',
    note: 'write to [cut] or call [cut]',
    nested: [{ phone: '[cut]', name: 'VIP', id, given: '[cut]' }],
    seats: 12,
    requireTotp: true,
  });
});

test('of a changed row the log has the fields, and only the values that may be shown', () => {
  const before = { city: 'Recife', country: 'BR', resendUnknown: false };
  expect(changesOf(before, { city: 'Olinda', country: 'PT', resendUnknown: true }, new Set(['country']))).toEqual({
    before: { country: 'BR', resendUnknown: false },
    after: { fields: ['city', 'country', 'resendUnknown'], country: 'PT', resendUnknown: true },
  });
  expect(changesOf(before, { city: 'Recife', country: undefined }, new Set())).toBeUndefined();
});
