import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

const mappedBits = 96;

/** A range as it is kept: `203.0.113.0/24`. One address is a range of its own; undefined when the text is neither. */
export function readRange(text: string): string | undefined {
  const range = parseRange(text.trim());
  if (!range) return undefined;
  const [address, bits] = range;
  const cidr = `${address.toNormalizedString()}/${bits}`;
  const network =
    address.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return `${network.toString()}/${bits}`;
}

/** Whether an address lies in one of the ranges. Without ranges every address does; an unknown address lies in none. */
export function isWithin(ranges: readonly string[], text: string | null): boolean {
  if (ranges.length === 0) return true;
  if (text === null || !ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text); // IPv4 that came over IPv6 is IPv4
  return ranges.some((one) => {
    const range = parseRange(one);
    return range !== undefined && range[0].kind() === address.kind() && address.match(range);
  });
}

function parseRange(text: string): Range | undefined {
  if (isWritten(text) && ipaddr.isValidCIDR(text)) return unmapped(ipaddr.parseCIDR(text));
  if (!isWritten(text) || !ipaddr.isValid(text)) return undefined;
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** `10.1` and `0x7f.1` are addresses to some, and a slip of the pen to most. A zone means nothing to anybody else's machine. */
function isWritten(text: string): boolean {
  const [address = ''] = text.split('/');
  if (address.includes('%')) return false;
  return address.includes(':') || ipaddr.IPv4.isValidFourPartDecimal(address);
}

function unmapped([address, bits]: Range): Range {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= mappedBits
    ? [address.toIPv4Address(), bits - mappedBits]
    : [address, bits];
}
