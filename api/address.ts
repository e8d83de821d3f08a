import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import { type Address, readAddress } from '../domain/limits/network.ts';

/** The proxies whose word is taken for who is behind them. */
export type Proxies = readonly [network: Address, bits: number][];

/** Reads a list of networks as `10.0.0.0/8` or single addresses; throws on what is neither. */
export function readProxies(list: readonly string[]): Proxies {
  return list.map((entry) => {
    if (entry.includes('/')) return ipaddr.parseCIDR(entry);
    const address = ipaddr.process(entry);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  });
}

/**
 * Whose request it is. Anybody can write an X-Forwarded-For: only what a trusted proxy added counts, which is the rightmost entry that is
 * no such proxy itself. What stands left of that one is hearsay.
 */
export function clientAddress(request: IncomingMessage, proxies: Proxies): string | null {
  const peer = readAddress(request.socket.remoteAddress ?? '');
  if (!peer) return null;
  let address = peer;
  const hops = String(request.headers['x-forwarded-for'] ?? '').split(',');
  while (hops.length > 0 && isAmong(address, proxies)) {
    const before = readAddress(hops.pop() ?? '');
    if (!before) break; // a proxy of ours would have written an address
    address = before;
  }
  return address.toString();
}

function isAmong(address: Address, proxies: Proxies): boolean {
  return proxies.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}
