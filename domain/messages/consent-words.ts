import { foldText } from '../contacts/text.ts';

/**
 * What people write when they want no more messages: Portuguese, Spanish, English, Turkish, Malay; folded, without punctuation. Only the
 * whole message counts, never a word in a sentence. There is no list of words that give consent back: "ok" and "yes" answer many questions,
 * so a grant is only WhatsApp's own preference event, or what the tenant records with its proof.
 */
const stopWords = new Set(
  `stop, stop all, stopall, stop promotions, unsubscribe, opt out, optout, cancel, quit,
   parar, pare, sair, cancelar, cancele, descadastrar, descadastre, remover, parar promocoes, interromper promocoes, nao quero receber,
   nao quero receber mensagens, nao quero mais receber, nao quero mais receber mensagens,
   baja, darme de baja, dar de baja, detener, alto, parar mensajes, detener promociones, no quiero recibir, no quiero recibir mensajes,
   no quiero recibir mas mensajes,
   dur, durdur, iptal, iptal et, ret, istemiyorum, mesaj istemiyorum, abonelikten cik, cikis, promosyonlari durdur,
   berhenti, henti, hentikan, batal, keluar, nyahlanggan, hentikan promosi`.split(/,\s*/),
);

/** What a template's opt-out button may carry as its payload. */
const stopPayloads = new Set(['stop', 'opt out', 'optout', 'stop promotions', 'unsubscribe']);

/** What a text says when case, accents, punctuation and blanks do not count. */
function bare(text: string): string {
  return text.length > 100
    ? ''
    : foldText(text)
        .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
        .trim();
}

export function isStopWord(text: string): boolean {
  return stopWords.has(bare(text));
}

export function isStopPayload(payload: string): boolean {
  return stopPayloads.has(bare(payload));
}
