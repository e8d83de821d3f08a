import type { GraphResult } from '../../connectors/whatsapp/graph.ts';
import type { MetaRefusal } from '../../connectors/whatsapp/json.ts';
import type { Meta } from '../../connectors/whatsapp/meta.ts';
import { PartnerError, PartnerOffError, PartnerUnavailableError } from '../errors.ts';

/** The way to Meta, for what cannot do without. */
export function needMeta(meta: Meta | null): Meta {
  if (!meta) throw new PartnerOffError('WhatsApp is not set up on this installation.');
  return meta;
}

/** What a refusal is to the person who asked; undefined: in Meta's own words. */
export type Explain = (refusal: MetaRefusal) => PartnerError | undefined;

/** What Meta answered, or its refusal as an error of ours. */
export function granted<T>(result: GraphResult<T>, explain: Explain = () => undefined): T {
  if (result.kind === 'ok') return result.value;
  if (result.kind === 'unavailable') throw unavailable(result.retryAfter);
  throw explain(result.refusal) ?? inMetasWords(result.refusal);
}

export function unavailable(retryAfter: number): PartnerUnavailableError {
  return new PartnerUnavailableError('WhatsApp cannot be reached at the moment.', retryAfter);
}

/** What Meta wrote for the person who asked: most specific for templates (reference: whatsapp-cloud-api, section 6.1). */
export function inMetasWords({ code, details, userTitle }: MetaRefusal): PartnerError {
  return new PartnerError(details || 'WhatsApp refused it.', { partnerCode: code, title: userTitle });
}

/** Codes of a token that no longer opens (reference: whatsapp-cloud-api, section 6.2, action TOK). */
export function isTokenRefusal({ code }: Pick<MetaRefusal, 'code'>): boolean {
  return [0, 3, 10, 190, 131005].includes(code) || (code >= 200 && code <= 299);
}
