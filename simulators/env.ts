/** The simulators' variables; those of the app at Meta are read under the names that Parley reads them by, so that one `.env` fits both. */
export const simulatorVariableNames = [
  'SIMULATORS_PORT',
  'SIMULATORS_HOST',
  'SIMULATORS_PROFILE',
  'SIMULATORS_SEED',
  'SIMULATORS_URL',
  'SIMULATORS_META_WEBHOOK_URL',
];

const profiles = ['realistic', 'demo', 'noisy', 'quiet'] as const;

export type SimulatorsEnv = {
  port: number;
  host: string;
  profile: (typeof profiles)[number];
  seed: number;
  webhookUrl: string;
  publicUrl?: string;
  appId?: string;
  appSecret?: string;
  verifyToken?: string;
};

export function readSimulatorsEnv(source: NodeJS.ProcessEnv = process.env): SimulatorsEnv {
  const given = (name: string) => source[name]?.trim() || undefined;
  const whole = (name: string, byDefault: number, max: number) => {
    const value = Number(given(name) ?? byDefault);
    if (!Number.isInteger(value) || value < 0 || value > max)
      throw new TypeError(`${name} is a whole number up to ${max}.`);
    return value;
  };
  const profile = profiles.find((name) => name === (given('SIMULATORS_PROFILE') ?? 'realistic'));
  if (!profile) throw new TypeError(`SIMULATORS_PROFILE is one of ${profiles.join(', ')}.`);
  const webhookUrl = given('SIMULATORS_META_WEBHOOK_URL') ?? '';
  if (webhookUrl !== '' && !URL.canParse(webhookUrl)) throw new TypeError('SIMULATORS_META_WEBHOOK_URL is a URL.');
  const publicUrl = given('SIMULATORS_URL');
  if (publicUrl !== undefined && !URL.canParse(publicUrl)) throw new TypeError('SIMULATORS_URL is a URL.');
  const appId = given('META_APP_ID');
  const [appSecret] = (given('META_APP_SECRET') ?? '').split(','); // the newest, while rotating
  const verifyToken = given('META_VERIFY_TOKEN');
  return {
    port: whole('SIMULATORS_PORT', 4_010, 65_535),
    host: given('SIMULATORS_HOST') ?? '127.0.0.1',
    profile,
    seed: whole('SIMULATORS_SEED', 1, 4_294_967_295),
    webhookUrl,
    ...(publicUrl ? { publicUrl } : {}),
    ...(appId ? { appId } : {}),
    ...(appSecret ? { appSecret } : {}),
    ...(verifyToken ? { verifyToken } : {}),
  };
}
