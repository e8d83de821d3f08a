import { createMeta, type Meta } from '../connectors/whatsapp/meta.ts';
import { type Simulators, startSimulators } from '../simulators/start.ts';
import { test as base } from './fixtures.ts';
import { keepSecret } from './leaks/note.ts';

/** Tests whose API reaches partners: simulators on a port of their own, quiet unless a test makes noise. */
export const test = base.extend<{ simulators: Simulators; meta: Meta | null }>({
  simulators: async ({}, use) => {
    await using simulators = await startSimulators({ profile: 'quiet' });
    await use(simulators);
  },
  meta: async ({ simulators }, use) => {
    await using meta = metaOf(simulators);
    await use(meta);
  },
});

/** The way to the simulator of Meta, as the app that it knows. */
export function metaOf(simulators: Simulators, otherwise: { appSecret?: string } = {}): Meta {
  const { graphUrl, appId, appSecret, verifyToken } = { ...simulators.meta.credentials, ...otherwise };
  keepSecret('app secret', appSecret, verifyToken);
  return createMeta({ graphUrl, graphVersion: 'v25.0', appId, appSecrets: [appSecret], verifyToken });
}
