import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

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

/** What one subscriber has of the internet: an IPv4 address, or the /64 that an IPv6 address is in. */
export function networkOf(address: string | null): string {
  const parsed = readAddress(address ?? '');
  if (!parsed) return 'unknown';
  return parsed instanceof ipaddr.IPv4 ? parsed.toString() : `${parsed.parts.slice(0, 4).map(hex).join(':')}::/64`;
}

const hex = (part: number) => part.toString(16);

/** An address as it stands in headers: `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]:4711`; IPv4 inside of IPv6 is IPv4. */
function readAddress(text: string): Address | undefined {
  const [, bracketed, plain] = /^\s*(?:\[([^\]]*)\](?::\d+)?|([^\s\]]+))\s*$/.exec(text) ?? [];
  const bare = (bracketed ?? plain ?? '').replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1').replace(/%.*$/, '');
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return undefined;
  return ipaddr.process(bare);
}

function isAmong(address: Address, proxies: Proxies): boolean {
  return proxies.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}
