import { recordAudit, bySystem } from '../domain/audit/record-audit.ts';
import { inTenant } from '../prisma/client.ts';
import { expect } from '../test/fixtures.ts';
import { eventually, test } from '../test/fleet/fleet.ts';
import { makeTenant } from '../test/make.ts';
import { connect } from '../test/sql.ts';
import { crontab } from './crontab.ts';

test('what was done more than two years ago leaves the audit log by the clock, page after page, and nothing younger', async ({
  db,
  database,
  fleet,
  queue,
}) => {
  const tenants = [await makeTenant(db), await makeTenant(db)];
  for (const tenantId of tenants) {
    for (const action of ['tag.delete', 'contact.delete'] as const)
      await inTenant(db, tenantId, (tx) =>
        recordAudit(tx, bySystem(tenantId), { action, target: { type: 'Tag', id: null } }),
      );
  }
  await using superuser = await connect(database.superuserUrl);
  await superuser.query(
    `update audit_entries set at = now() - interval '2 years' - interval '1 minute' where action = 'tag.delete'`,
  );
  await superuser.query(
    `update audit_entries set at = now() - interval '2 years' + interval '1 hour' where action = 'contact.delete'`,
  );
  // More than a page.
  await superuser.query(
    `insert into audit_entries (tenant_id, at, actor_type, action, target_type)
     select $1, now() - interval '3 years', 'SYSTEM', 'tag.delete', 'Tag' from generate_series(1, 6000)`,
    [tenants[0]],
  );
  expect(crontab.find(({ task: { name } }) => name === 'audit/purge-all')?.match).toBe('47 3 * * *');
  fleet.start({ main: true, env: { WORKER_LANES: 'maintenance' } });
  await queue.query(`select enqueue_job('audit/purge-all', '{"_cron":{}}', 'audit/purge-all', null, 3, 0)`);
  await eventually(queue, `select count(*)::int from graphile_worker._private_jobs where key = 'audit/purge-all'`, 0);
  const { rows } = await superuser.query<{ action: string }>('select action from audit_entries');
  expect(rows.map(({ action }) => action)).toEqual(['contact.delete', 'contact.delete']);
});
