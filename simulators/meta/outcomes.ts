import { drawRange, drawSpread, type Random } from '../random.ts';
import type { Message, Reached } from './books.ts';
import { isUsNumber } from './identity.ts';
import type { World } from './world.ts';

/** A status and how long after the acceptance it is true. */
export type Step = { status: Exclude<Reached, 'accepted'>; at: number; code?: number };

/** How a send ends for the sender, and whether the message exists all the same. */
export type Ending = { kind: 'answer' | 'hang' | 'reset' | 'error' | 'garbage'; isAccepted: boolean };

/** Codes that a recipient's last six digits ask for; short ones with zeros before them. */
const magicCodes = new Set([
  368, 130403, 130429, 130472, 130497, 131000, 131009, 131026, 131031, 131037, 131042, 131044, 131045, 131047, 131048,
  131049, 131050, 131053, 131064, 132015, 137000,
]);

const magicEndings: Record<string, Ending> = {
  '000408': { kind: 'hang', isAccepted: true },
  '000409': { kind: 'hang', isAccepted: false },
  '000410': { kind: 'reset', isAccepted: true },
  '000411': { kind: 'reset', isAccepted: false },
  '000500': { kind: 'error', isAccepted: true },
  '000501': { kind: 'error', isAccepted: false },
  '000202': { kind: 'garbage', isAccepted: true },
};

/** The digits that decide, unless the settings want every recipient to be like the others. */
export function magicOf(world: World, digits: string): string {
  return world.settings.magicRecipients ? digits.slice(-6) : '';
}

/** The asynchronous failure that a magic recipient stands for. */
function magicCode(magic: string): number | undefined {
  const code = Number(magic);
  return magicCodes.has(code) ? code : undefined;
}

export function endingOf(world: World, digits: string, random: Random): Ending {
  const magic = magicEndings[magicOf(world, digits)];
  if (magic) return magic;
  const { faults } = world.settings;
  let luck = random();
  if (luck < faults.hangRate) return { kind: 'hang', isAccepted: random() < faults.hangAcceptedRate };
  luck -= faults.hangRate;
  if (luck < faults.resetAfterAcceptanceRate) return { kind: 'reset', isAccepted: true };
  luck -= faults.resetAfterAcceptanceRate;
  if (luck < faults.serverErrorRate) return { kind: 'error', isAccepted: random() < faults.serverErrorAcceptedRate };
  return { kind: 'answer', isAccepted: true };
}

/** What becomes of an accepted message; `code` is what is known to be wrong with it already. */
export function planStatuses(world: World, message: Message, code: number | undefined, random: Random): Step[] {
  const { statuses } = world.settings;
  const magic = magicOf(world, message.user.digits);
  const failure = code ?? magicCode(magic) ?? luckOf(world, message, random);
  const sentAt = drawRange(statuses.sentMs, random);
  if (failure !== undefined) {
    const failed: Step = { status: 'failed', at: drawRange(statuses.failedMs, random), code: failure };
    if (random() >= statuses.failedAfterSentRate) return [failed];
    return [
      { status: 'sent', at: sentAt },
      { ...failed, at: failed.at + sentAt },
    ];
  }
  const steps: Step[] = [{ status: 'sent', at: sentAt }];
  const isNeverDelivered = magic === '000404' || random() < statuses.neverDeliveredRate;
  if (message.type === 'reaction' || isNeverDelivered) return steps;

  const deliveredAt = sentAt + drawSpread(statuses.delivered, random);
  const isRead = random() < statuses.readRate || magic === '000201';
  const isSkipped = isRead && (random() < statuses.skipDeliveredRate || magic === '000201');
  if (!isSkipped) steps.push({ status: 'delivered', at: deliveredAt });
  // Several devices: one took it, another did not.
  if (random() < statuses.deliveredAndFailedRate || magic === '000600')
    steps.push({ status: 'failed', at: deliveredAt, code: 131026 });
  if (isRead) steps.push({ status: 'read', at: deliveredAt + drawSpread(statuses.read, random) });
  return steps;
}

function luckOf(world: World, message: Message, random: Random): number | undefined {
  const isMarketing = message.category === 'marketing';
  const { any, marketing } = world.settings.failures;
  if (isMarketing && !message.inWindow && isUsNumber(message.user.digits)) return 131049;
  if (isMarketing && message.number.waba.portfolio.stopped.has(message.user.digits)) return 131050;
  let luck = random();
  for (const rates of isMarketing ? [any, marketing] : [any]) {
    for (const [code, rate] of Object.entries(rates)) {
      // Inside a window the cap per user does not count.
      if (luck < rate) return message.inWindow && code === '131049' ? undefined : Number(code);
      luck -= rate;
    }
  }
  return undefined;
}
