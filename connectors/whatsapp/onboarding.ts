import { z } from 'zod';
import { graph, GraphId, type GraphResult, Success } from './graph.ts';
import type { Meta } from './meta.ts';

const AccessToken = z.object({ access_token: z.string().min(1), expires_in: z.number().optional().catch(undefined) });

export type ExchangedToken = { token: string; expiresInSeconds: number | null };

/** Trades the one-time code of an Embedded Signup for the business's token (reference: whatsapp-cloud-api, section 1.3, step 1). */
export async function exchangeCode(meta: Meta, code: string): Promise<GraphResult<ExchangedToken>> {
  const { appId, appSecrets } = meta.config;
  const query = { client_id: appId, client_secret: appSecrets[0] ?? '', code };
  const shape = AccessToken.transform(({ access_token, expires_in }) => ({
    token: access_token,
    expiresInSeconds: expires_in === undefined || expires_in <= 0 ? null : expires_in,
  }));
  return graph(meta, { method: 'GET', path: '/oauth/access_token', query }, shape);
}

const DebugToken = z.object({
  data: z.object({
    app_id: GraphId.optional(),
    is_valid: z.boolean(),
    expires_at: z.number().optional().catch(undefined),
    scopes: z.array(z.string()).catch([]),
    granular_scopes: z
      .array(z.object({ scope: z.string(), target_ids: z.array(GraphId).optional() }))
      .optional()
      .catch(undefined),
  }),
});

export type TokenFacts = {
  appId: string | null;
  isValid: boolean;
  expiresAt: Date | null;
  scopes: string[];
  /** The accounts it was given for; empty where it does not say. */
  wabaIds: string[];
};

/** What a token is worth (reference: whatsapp-cloud-api, section 1.2). */
export async function debugToken(meta: Meta, token: string): Promise<GraphResult<TokenFacts>> {
  const { appId, appSecrets } = meta.config;
  const shape = DebugToken.transform(({ data }) => ({
    appId: data.app_id ?? null,
    isValid: data.is_valid,
    expiresAt: data.expires_at ? new Date(data.expires_at * 1_000) : null,
    scopes: data.scopes,
    wabaIds: data.granular_scopes?.find(({ scope }) => scope === managementScope)?.target_ids ?? [],
  }));
  const request = { method: 'GET', path: '/debug_token', query: { input_token: token } } as const;
  return graph(meta, { ...request, token: `${appId}|${appSecrets[0] ?? ''}` }, shape);
}

const managementScope = 'whatsapp_business_management';

/** Without both, templates cannot be managed or messages not be sent (reference: whatsapp-cloud-api, section 1.2). */
export const neededScopes = [managementScope, 'whatsapp_business_messaging'];

/** Has the account's webhooks sent to our app. Repeating it changes nothing. */
export function subscribeApp(meta: Meta, token: string, wabaId: string): Promise<GraphResult<unknown>> {
  return graph(meta, { method: 'POST', path: `/${wabaId}/subscribed_apps`, token }, Success);
}

/** Takes a number into use and sets its two-step PIN, or proves that we know it. Ten tries in 72 hours. */
export function registerNumber(
  meta: Meta,
  token: string,
  phoneNumberId: string,
  pin: string,
): Promise<GraphResult<unknown>> {
  const body = JSON.stringify({ messaging_product: 'whatsapp', pin });
  return graph(meta, { method: 'POST', path: `/${phoneNumberId}/register`, token, body }, Success);
}
