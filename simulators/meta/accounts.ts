import { isObject } from '../json.ts';
import type { Meta } from './meta.ts';
import { tellAccount } from './review.ts';
import type { PhoneNumber, Tier, Waba, World } from './world.ts';

export type NumberChange = Partial<
  Pick<
    PhoneNumber,
    'level' | 'quality' | 'status' | 'nameStatus' | 'isVerified' | 'isRegistered' | 'maintenanceUntil' | 'verifiedName'
  >
>;
export type AccountChange = Partial<
  Pick<Waba, 'hasPayment' | 'isLocked' | 'blockedUntil' | 'isMarketingDisabled' | 'isSubscribed'>
> & {
  tier?: Tier;
};

/** Changes a number, and tells what Meta tells of it. */
export function changeNumber(meta: Meta, number: PhoneNumber, change: NumberChange): void {
  const { level, nameStatus } = change;
  const was = number.level;
  Object.assign(number, change);
  if (level && level !== was)
    tellAccount(meta, number.waba, 'phone_number_quality_update', {
      display_phone_number: number.digits,
      event: level === 'HIGH' ? 'THROUGHPUT_UPGRADE' : 'DOWNGRADE',
      max_daily_conversations_per_business: number.waba.portfolio.tier,
    });
  if (nameStatus !== undefined)
    tellAccount(meta, number.waba, 'phone_number_name_update', {
      display_phone_number: number.digits,
      decision: nameStatus === 'DECLINED' ? 'REJECTED' : nameStatus === 'APPROVED' ? 'APPROVED' : 'PENDING',
      requested_verified_name: number.verifiedName,
      rejection_reason: null,
    });
}

export function changeAccount(meta: Meta, waba: Waba, { tier, ...change }: AccountChange): void {
  Object.assign(waba, change);
  if (!tier || tier === waba.portfolio.tier) return;
  waba.portfolio.tier = tier;
  for (const other of meta.world.wabas.values()) {
    if (other.portfolio === waba.portfolio)
      tellAccount(meta, other, 'business_capability_update', {
        max_daily_conversations_per_business: tier,
        max_phone_numbers_per_waba: 25,
      });
  }
}

/** What an account's event means for the calls that come after it. */
export function followEvent(world: World, waba: Waba, field: string, value: unknown): void {
  if (field !== 'account_update' || !isObject(value)) return;
  const event = value['event'];
  if (event === 'PARTNER_REMOVED' || event === 'PARTNER_APP_UNINSTALLED')
    for (const token of world.tokens.values()) {
      if (token.wabas.delete(waba.id)) token.wasRemoved = true;
    }
  if (event === 'DISABLED_UPDATE' && isObject(value['ban_info']))
    waba.isLocked = value['ban_info']['waba_ban_state'] === 'DISABLE';
  if (event === 'ACCOUNT_RESTRICTION') waba.blockedUntil = Number.POSITIVE_INFINITY;
  if (event === 'ACCOUNT_RECONNECTED') waba.blockedUntil = 0;
}
