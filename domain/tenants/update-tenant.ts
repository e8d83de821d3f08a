import { changesOf } from '../audit/changes.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { parsePhone } from '../contacts/phone.ts';
import { problems } from '../errors.ts';
import { canonicalLocale, isCountry, isTimeZone } from '../places.ts';
import type { Tx } from '../../prisma/client.ts';

type Nullable<T> = { [K in keyof T]?: T[K] | null | undefined };
export type TenantProfile = Nullable<
  Record<(typeof optionalTexts)[number] | (typeof requiredTexts)[number] | 'phone', string>
>;

const optionalTexts = [
  'legalName',
  'taxId',
  'registrationId',
  'industry',
  'companySize',
  'street',
  'city',
  'region',
  'postalCode',
] as const;
const requiredTexts = ['name', 'country', 'timeZone', 'locale'] as const;
const textMax = 200;
const shownInLog = new Set(['country', 'timeZone', 'locale', 'sellersSeeContacts', 'sellersSeeCampaigns']);

/** What a tenant decides about its messages. */
export type MessageSettings = {
  /** Whether a utility or authentication message whose fate stays unknown goes once more. */
  resendUnknown?: boolean | null | undefined;
};

export const sellersSee = ['ALL', 'ASSIGNED_OR_UNASSIGNED'] as const;
export type SellersSee = (typeof sellersSee)[number];

/** What a tenant lets its sellers see. */
export type SellerSettings = {
  sellersSeeContacts?: SellersSee | null | undefined;
  sellersSeeCampaigns?: SellersSee | null | undefined;
  /** Whether telephone numbers and e-mail addresses are shown to them only in part. */
  maskForSellers?: boolean | null | undefined;
};

/** Changes a tenant's business profile and settings: what is undefined stays, null clears what may be empty. */
export async function updateTenant(
  tx: Tx,
  by: Answerable,
  profile: TenantProfile & MessageSettings & SellerSettings,
): Promise<{ id: string }> {
  const { tenantId } = by;
  const before = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
  const found = problems();
  const data = {
    ...readProfile(profile, before.country, found),
    ...readSettings(profile, found),
    ...readSellers(profile, found),
  };
  found.throwIfAny();
  await tx.tenant.update({ where: { id: tenantId }, data, select: { id: true } });
  const changes = changesOf(before, data, shownInLog);
  if (changes) {
    await recordAudit(tx, by, { action: 'tenant.update', target: { type: 'Tenant', id: tenantId }, ...changes });
  }
  return { id: tenantId };
}

function readSettings(
  { resendUnknown }: MessageSettings,
  found: { add(path: string, message: string): void },
): { resendUnknown?: boolean } {
  if (resendUnknown === null) found.add('resendUnknown', 'Expected true or false.');
  return typeof resendUnknown === 'boolean' ? { resendUnknown } : {};
}

function readSellers(
  { sellersSeeContacts, sellersSeeCampaigns, maskForSellers }: SellerSettings,
  found: { add(path: string, message: string): void },
): { sellersSeeContacts?: SellersSee; sellersSeeCampaigns?: SellersSee; maskForSellers?: boolean } {
  if (sellersSeeContacts === null) found.add('sellersSeeContacts', 'Expected which contacts they see.');
  if (sellersSeeCampaigns === null) found.add('sellersSeeCampaigns', 'Expected which campaigns they see.');
  if (maskForSellers === null) found.add('maskForSellers', 'Expected true or false.');
  return {
    ...(sellersSeeContacts ? { sellersSeeContacts } : {}),
    ...(sellersSeeCampaigns ? { sellersSeeCampaigns } : {}),
    ...(typeof maskForSellers === 'boolean' ? { maskForSellers } : {}),
  };
}

type StoredProfile = { [K in (typeof optionalTexts)[number] | 'phone']?: string | null } & {
  [K in (typeof requiredTexts)[number]]?: string;
};

/** A profile as it is stored; everything that is wrong with it is added to what was found. Local phones are of the profile's country. */
export function readProfile(
  profile: TenantProfile,
  currentCountry: string,
  found: { add(path: string, message: string): void },
): StoredProfile {
  const data: StoredProfile = {};
  for (const name of optionalTexts) {
    const text = profile[name]?.trim();
    if (profile[name] === undefined) continue;
    if (text && text.length > textMax) found.add(name, `Expected at most ${textMax} characters.`);
    data[name] = text || null;
  }
  for (const name of requiredTexts) {
    if (profile[name] === undefined) continue;
    const text = profile[name]?.trim() ?? '';
    if (text === '' || text.length > textMax) found.add(name, `Expected 1 to ${textMax} characters.`);
    data[name] = text;
  }
  const { country, timeZone } = data;
  if (country && !isCountry(country)) found.add('country', 'Expected a country by ISO 3166-1 alpha-2, as BR.');
  if (timeZone && !isTimeZone(timeZone)) found.add('timeZone', 'Expected an IANA time zone, as America/Sao_Paulo.');
  if (data.locale) {
    const locale = canonicalLocale(data.locale);
    if (locale === undefined) found.add('locale', 'Expected a BCP 47 locale, as pt-BR.');
    else data.locale = locale;
  }
  if (profile.phone !== undefined) {
    const phone = profile.phone === null ? null : parsePhone(profile.phone, country ?? currentCountry);
    if (phone === undefined) found.add('phone', 'Expected a telephone number, as +5511987654321.');
    else data.phone = phone?.e164 ?? null;
  }
  return data;
}
