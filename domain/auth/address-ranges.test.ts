import { expect, test } from 'vitest';
import { isWithin, readRange } from './address-ranges.ts';

test('a range is kept by its network, an address as a range of its own', () => {
  expect(readRange('203.0.113.77/24')).toBe('203.0.113.0/24');
  expect(readRange(' 203.0.113.7 ')).toBe('203.0.113.7/32');
  expect(readRange('2001:DB8::1')).toBe('2001:db8::1/128');
  expect(readRange('2001:db8:1:2::3/48')).toBe('2001:db8:1::/48');
  expect(readRange('::ffff:203.0.113.7')).toBe('203.0.113.7/32');
  expect(readRange('::ffff:203.0.113.7/120')).toBe('203.0.113.0/24');
});

test('what is no range is none, however others may read it', () => {
  for (const text of [
    '',
    'example.com',
    '203.0.113.0/33',
    '203.0.113/24',
    '10.1',
    '0x7f.1',
    '2130706433',
    'fe80::1%eth0',
    '::/129',
    '1.2.3.4/-1',
    '/8',
  ]) {
    expect(readRange(text), text).toBeUndefined();
  }
});

test('an address is within a range whichever way it came', () => {
  expect(isWithin([], null)).toBe(true);
  expect(isWithin(['203.0.113.0/24'], '203.0.113.9')).toBe(true);
  expect(isWithin(['203.0.113.0/24'], '::ffff:203.0.113.9')).toBe(true);
  expect(isWithin(['10.0.0.0/8', '2001:db8::/32'], '2001:db8:5::1')).toBe(true);
  expect(isWithin(['203.0.113.0/24'], '203.0.114.9')).toBe(false);
  expect(isWithin(['2001:db8::/32'], '203.0.113.9')).toBe(false);
  expect(isWithin(['::/0'], '203.0.113.9')).toBe(false);
  expect(isWithin(['203.0.113.0/24'], null)).toBe(false);
  expect(isWithin(['203.0.113.0/24'], 'somewhere')).toBe(false);
  expect(isWithin(['nonsense'], '203.0.113.9')).toBe(false);
});
