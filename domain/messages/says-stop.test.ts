import { expect, test } from 'vitest';
import { saysStop } from './says-stop.ts';

const text = (body: string) => saysStop({ type: 'text', text: { body } });

test('a stop word in any of our languages is heard, however it is written, when it is the whole message', () => {
  const words = [
    'Parar',
    'SAIR.',
    ' cancelar ',
    'Stop!!',
    'stop',
    'Unsubscribe',
    'baja',
    'BAJA 🙏',
    'Dur',
    'İptal',
    'çıkış',
    'berhenti',
    'não quero mais receber',
    'opt-out',
    '\u202estop\u202c',
  ];
  for (const word of words) expect(text(word), word).toBe(true);
});

test('a stop word inside a longer sentence, or something near it, is not', () => {
  const sentences = [
    'não vou parar',
    'quero cancelar meu pedido',
    'stopp',
    'parar de chover?',
    'bajar',
    'durum',
    '',
    '🙏',
    'stop '.repeat(40),
    'start',
    'resume',
    'sim',
    'voltar',
  ];
  for (const sentence of sentences) expect(text(sentence), sentence).toBe(false);
});

test('a template’s opt-out button is heard by its payload or its label; a button of a conversation only by its id', () => {
  const button = (payload: string, label: string) => saysStop({ type: 'button', button: { payload, text: label } });
  expect([
    button('OPT_OUT', 'Não, obrigado'),
    button('STOP', 'x'),
    button('whatever', 'Parar promoções'),
    button('yes', 'Sim'),
  ]).toEqual([true, true, true, false]);
  const reply = (id: string, title: string) =>
    saysStop({ type: 'interactive', interactive: { type: 'button_reply', button_reply: { id, title } } });
  expect([reply('OPT_OUT', 'x'), reply('order-7', 'Cancelar')]).toEqual([true, false]);
  for (const odd of [
    { type: 'text' },
    { type: 'text', text: 'stop' },
    { type: 'button', button: null },
    { type: 'interactive' },
    {},
  ]) {
    expect(saysStop(odd)).toBe(false);
  }
});
