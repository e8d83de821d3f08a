import { setTimeout as pause } from 'node:timers/promises';
import type { NumberCredentials } from '../../simulators/meta/control.ts';
import type { Client } from '../client.ts';
import type { SimulatorsProcess } from '../simulators-process.ts';

export type Connected = { accountId: string; numberId: string; displayNumber: string; throughput: number };

/** Connects the simulator's number as an Embedded Signup in a browser would: with a code that lives for 30 seconds. */
export async function connectWhatsApp(client: Client, simulators: SimulatorsProcess): Promise<Connected> {
  const { meta } = await simulators.ask<{ meta: NumberCredentials }>('credentials');
  const { whatsAppConnect } = await client.run<{
    whatsAppConnect: { id: string; numbers: { id: string; displayNumber: string; throughput: number }[] };
  }>(
    `mutation ($input: WhatsAppConnectInput!) { whatsAppConnect(input: $input) { __typename
      ... on WhatsAppAccount { id numbers { id displayNumber throughput } } ... on UserError { message } } }`,
    { input: { code: meta.code, wabaId: meta.wabaId, phoneNumberId: meta.phoneNumberId, pin: '246810' } },
  );
  const [number] = whatsAppConnect.numbers;
  if (!number) throw new Error('The account came without a number.');
  return {
    accountId: whatsAppConnect.id,
    numberId: number.id,
    displayNumber: number.displayNumber,
    throughput: number.throughput,
  };
}

/** Writes a template and waits until Meta has reviewed it. */
export async function approveTemplate(
  client: Client,
  whatsAppAccountId: string,
): Promise<{ id: string; name: string }> {
  const name = 'spring_sale';
  const components = [
    {
      type: 'BODY',
      text: 'Olá {{1}}, a coleção de primavera chegou em {{2}} com frete grátis até domingo!',
      examples: ['Ana', 'Recife'],
    },
    { type: 'FOOTER', text: 'Loja da Ana' },
    {
      type: 'BUTTONS',
      buttons: [
        { type: 'QUICK_REPLY', text: 'Ver ofertas' },
        { type: 'QUICK_REPLY', text: 'Parar' },
      ],
    },
  ];
  const { templateCreate } = await client.run<{ templateCreate: { id: string } }>(
    `mutation ($input: TemplateCreateInput!) { templateCreate(input: $input) { __typename ... on Template { id } ... on UserError { message } } }`,
    { input: { whatsAppAccountId, name, language: 'pt_BR', category: 'MARKETING', components } },
  );
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(200)) {
    const { node } = await client.run<{ node: { status: string } }>(
      `query ($id: ID!) { node(id: $id) { ... on Template { status } } }`,
      templateCreate,
    );
    if (node.status === 'APPROVED') return { id: templateCreate.id, name };
    if (node.status !== 'PENDING' && node.status !== 'SUBMITTING')
      throw new Error(`The template became ${node.status}.`);
  }
  throw new Error('The template was not reviewed within a minute.');
}
