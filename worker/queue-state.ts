import type pg from 'pg';
import type { Lane } from '../domain/jobs.ts';
import type { LaneState } from './metrics.ts';
import type { Task } from './task.ts';

/** What is due and not taken, lane by lane, and how many jobs were set aside. */
export async function readQueue(pool: pg.Pool, tasks: Task[]): Promise<{ lanes: LaneState[]; dead: number }> {
  const { rows } = await pool.query<{ lane: Lane; due: number; oldestDueMs: number }>(
    `select l.lane, count(*)::int as due, (extract(epoch from now() - min(j.run_at)) * 1000)::float8 as "oldestDueMs"
       from graphile_worker._private_jobs j
       join graphile_worker._private_tasks t on t.id = j.task_id
       join unnest($1::text[], $2::text[]) as l (task, lane) on l.task = t.identifier
      where j.is_available and j.run_at <= now()
      group by l.lane`,
    [tasks.map(({ name }) => name), tasks.map(({ lane }) => lane)],
  );
  const dead = await pool.query<{ count: number }>('select count(*)::int from dead_jobs where replayed_at is null');
  return { lanes: rows, dead: dead.rows[0]?.count ?? 0 };
}
