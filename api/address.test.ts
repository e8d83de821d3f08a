import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { networkOf } from '../domain/limits/network.ts';
import { clientAddress, readProxies } from './address.ts';

const request = (remoteAddress: string | undefined, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }) as never;
const proxies = readProxies(['10.0.0.0/8', '2001:db8:ffff::/48', '192.0.2.7']);
const from = (peer: string | undefined, forwarded?: string) =>
  clientAddress(request(peer, forwarded) as IncomingMessage, proxies);

test('nobody but a trusted proxy says who is behind it', () => {
  expect(from('203.0.113.5')).toBe('203.0.113.5');
  expect(from('203.0.113.5', '198.51.100.1')).toBe('203.0.113.5');
  expect(clientAddress(request('10.0.0.1', '198.51.100.1') as IncomingMessage, [])).toBe('10.0.0.1');
  expect(from('10.0.0.1', '198.51.100.1')).toBe('198.51.100.1');
  expect(from('192.0.2.7', '198.51.100.1')).toBe('198.51.100.1');
  expect(from('192.0.2.8', '198.51.100.1')).toBe('192.0.2.8');
  expect(from('2001:db8:ffff::1', '2001:db8::7')).toBe('2001:db8::7');
});

test('what a client wrote itself is not believed: the entry counts that the outermost of our proxies added', () => {
  expect(from('10.0.0.1', '127.0.0.1, 198.51.100.1')).toBe('198.51.100.1');
  expect(from('10.0.0.1', '1.2.3.4, 198.51.100.1, 10.2.0.1, 10.3.0.1')).toBe('198.51.100.1');
  expect(from('10.0.0.1', '10.9.9.9, 10.8.8.8')).toBe('10.9.9.9'); // all of them ours: the farthest
  for (const nonsense of [
    '',
    ',',
    'unknown',
    '_hidden',
    '1.2.3',
    '0x7f.1',
    '2130706433',
    '<script>',
    '1.2.3.4 5.6.7.8',
  ]) {
    expect(from('10.0.0.1', nonsense), nonsense).toBe('10.0.0.1');
    expect(from('10.0.0.1', `1.2.3.4, ${nonsense}`), nonsense).toBe('10.0.0.1');
  }
});

test('one address has one name, however it is written', () => {
  expect(from('::ffff:203.0.113.5')).toBe('203.0.113.5');
  expect(from('::ffff:10.0.0.1', '198.51.100.1:4711')).toBe('198.51.100.1');
  expect(from('10.0.0.1', '[2001:DB8:0:0::7]:443')).toBe('2001:db8::7');
  expect(from('10.0.0.1', 'fe80::1%eth0')).toBe('fe80::1');
  expect(from(undefined)).toBeNull();
});

test('what one subscriber has is one network', () => {
  expect(networkOf('203.0.113.5')).toBe('203.0.113.5');
  expect(networkOf('::ffff:203.0.113.5')).toBe('203.0.113.5');
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  expect(networkOf('2001:db8:1:2:ffff::1')).toBe(networkOf('2001:db8:1:2::'));
  expect(networkOf('2001:db8:1:3::')).not.toBe(networkOf('2001:db8:1:2::'));
  expect(networkOf(null)).toBe('unknown');
});

test('a list of proxies that cannot be read is refused', () => {
  for (const wrong of ['10.0.0.0/33', 'proxy.internal', '10.0.0.0/', ''])
    expect(() => readProxies([wrong]), wrong).toThrow('ipaddr');
});
