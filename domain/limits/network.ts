import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** What one subscriber has of the internet: an IPv4 address, or the /64 that an IPv6 address is in. */
export function networkOf(address: string | null): string {
  const parsed = readAddress(address ?? '');
  if (!parsed) return 'unknown';
  return parsed instanceof ipaddr.IPv4 ? parsed.toString() : `${parsed.parts.slice(0, 4).map(hex).join(':')}::/64`;
}

const hex = (part: number) => part.toString(16);

/** An address as it stands in headers: `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]:4711`; IPv4 inside of IPv6 is IPv4. */
export function readAddress(text: string): Address | undefined {
  const [, bracketed, plain] = /^\s*(?:\[([^\]]*)\](?::\d+)?|([^\s\]]+))\s*$/.exec(text) ?? [];
  const bare = (bracketed ?? plain ?? '').replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1').replace(/%.*$/, '');
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return undefined;
  return ipaddr.process(bare);
}
