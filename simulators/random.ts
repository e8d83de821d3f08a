/** Numbers in [0, 1) that look random and are the same again under the same seed. */
export type Random = () => number;

/** Mulberry32: small, fast, good enough to play a network with. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** FNV-1a over a text, from a seed: what happens to a message hangs on whom it is for, not on which request came first. */
export function hash(seed: number, text: string): number {
  let mixed = (2_166_136_261 ^ seed) >>> 0;
  for (let at = 0; at < text.length; at += 1) mixed = Math.imul(mixed ^ text.charCodeAt(at), 16_777_619);
  return mixed >>> 0;
}

/** A log-normal time: half are shorter than the median, one in twenty is longer than p95, none than the maximum. */
export type Spread = { medianMs: number; p95Ms: number; maxMs: number };

/** Least and most, evenly spread. */
export type Range = [least: number, most: number];

export function drawSpread({ medianMs, p95Ms, maxMs }: Spread, random: Random): number {
  if (medianMs <= 0) return 0;
  const sigma = Math.log(Math.max(p95Ms / medianMs, 1)) / 1.6449;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(medianMs * Math.exp(sigma * normal), maxMs);
}

export function drawRange([least, most]: Range, random: Random): number {
  return least + (most - least) * random();
}
