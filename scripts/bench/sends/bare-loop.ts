import { Pool } from 'undici';
import type { NumberCredentials } from '../../../simulators/meta/control.ts';
import { newTemplate } from '../../../test/seed-sending.ts';
import type { MessagingWorld } from './world.ts';

const connections = 64;
const measureMs = 8_000;

/** Sends as fast as the simulator takes them: no rows, no pace, no outcome. Messages a second. */
export async function bareLoop({ simulators }: MessagingWorld): Promise<number> {
  const number = await simulators.tell<NumberCredentials>('meta/numbers', {
    level: 'HIGH',
    tier: 'TIER_UNLIMITED',
    isRegistered: true,
  });
  const template = newTemplate('UTILITY');
  await simulators.tell('meta/templates', { wabaId: number.wabaId, ...template });
  const { origin } = new URL(simulators.url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const end = performance.now() + measureMs;
  let sent = 0;
  const loop = async (lane: number) => {
    for (let index = 0; performance.now() < end; index += 1) {
      const answer = await pool.request({
        method: 'POST',
        path: `/meta/v25.0/${number.phoneNumberId}/messages`,
        headers: { authorization: `Bearer ${number.accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          messaging_product: 'whatsapp',
          recipient_type: 'individual',
          to: `+5521${900_500_000 + lane * 20_000 + index}`,
          type: 'template',
          template: {
            name: template.name,
            language: { code: 'en' },
            components: [{ type: 'body', parameters: [{ type: 'text', text: 'Ana' }] }],
          },
          biz_opaque_callback_data: `${lane}-${index}.1`,
        }),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`The simulator answered ${answer.statusCode}: ${text}`);
      sent += 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, (_, lane) => loop(lane)));
    return sent / (measureMs / 1_000);
  } finally {
    await pool.close();
  }
}
