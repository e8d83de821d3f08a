import type pg from 'pg';

/** A job that failed for good. */
export type DeadJob = {
  id: string;
  task: string;
  payload: unknown;
  jobKey: string | null;
  attempts: number;
  reason: string;
  queuedAt: Date;
  diedAt: Date;
  replayedAt: Date | null;
};

const columns = `id, task, payload, job_key as "jobKey", attempts, reason, queued_at as "queuedAt", died_at as "diedAt", replayed_at as "replayedAt"`;

/** The newest first; only those that wait for somebody, unless all are wanted. */
export async function listDeadJobs(pool: pg.Pool, options: { all: boolean; atMost: number }): Promise<DeadJob[]> {
  const { rows } = await pool.query<DeadJob>(
    `select ${columns} from dead_jobs where $1 or replayed_at is null order by died_at desc, id desc limit $2`,
    [options.all, options.atMost],
  );
  return rows;
}

export async function findDeadJob(pool: pg.Pool, id: string): Promise<DeadJob | undefined> {
  const { rows } = await pool.query<DeadJob>(`select ${columns} from dead_jobs where id = $1`, [id]);
  return rows[0];
}

export type Replay = { id?: string; task?: string };

/**
 * Gives dead jobs another life: each is marked and queued in one statement, so that a replay that breaks off, or that two people
 * start at once, neither loses nor doubles one. Returns their ids.
 */
export async function replayDeadJobs(
  pool: pg.Pool,
  { id, task }: Replay,
  attemptsMax: (task: string) => number,
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string; task: string }>(
    'select id, task from dead_jobs where replayed_at is null and ($1::uuid is null or id = $1) and ($2::text is null or task = $2) order by id',
    [id, task],
  );
  const replayed: string[] = [];
  for (const dead of rows) {
    const { rowCount } = await pool.query(
      `with marked as (
         update dead_jobs set replayed_at = now() where id = $1 and replayed_at is null returning task, payload, job_key
       )
       select enqueue_job(task, payload::json, job_key, null, $2, 0) from marked`,
      [dead.id, attemptsMax(dead.task)],
    );
    if (rowCount) replayed.push(dead.id);
  }
  return replayed;
}
