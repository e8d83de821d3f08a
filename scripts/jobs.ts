import { parseArgs } from 'node:util';
import { z } from 'zod';
import { createQueuePool } from '../prisma/queue-pool.ts';
import { refuseWrongQueueRole } from '../prisma/role.ts';
import { readEnv } from '../runtime/env.ts';
import { crontab } from '../worker/crontab.ts';
import { type DeadJob, findDeadJob, listDeadJobs, replayDeadJobs } from '../worker/dead-jobs.ts';
import { tasks as namedTasks } from '../worker/tasks.ts';

const usage = `Jobs that failed for good:
  npm run jobs -- list [--all]          what waits for somebody; --all: also what was replayed
  npm run jobs -- show ID               one of them in full, and what to do about it
  npm run jobs -- replay ID             queue it again
  npm run jobs -- replay --task NAME    queue all of one task again`;

const listAtMost = 200;

/** Runs one command; returns what there is to print, or undefined when it was not understood. */
export async function runJobsCommand(queueUrl: string, args: string[]): Promise<string | undefined> {
  const options = { all: { type: 'boolean' }, task: { type: 'string' } } as const;
  const { positionals, values } = parseArgs({ args, options, allowPositionals: true, strict: false });
  const [command, id] = positionals;
  const task = typeof values['task'] === 'string' ? values['task'] : undefined;
  if (id !== undefined && !z.uuid().safeParse(id).success) return `"${id}" is no id of a job.`;
  const pool = createQueuePool(queueUrl, { max: 1, applicationName: 'parley-jobs' });
  try {
    await refuseWrongQueueRole(pool);
    if (command === 'list') return table(await listDeadJobs(pool, { all: values['all'] === true, atMost: listAtMost }));
    if (command === 'show' && id) return explain(await findDeadJob(pool, id), id);
    if (command === 'replay' && (id !== undefined) !== (task !== undefined)) {
      const replayed = await replayDeadJobs(pool, { ...(id ? { id } : {}), ...(task ? { task } : {}) }, attemptsMax);
      return replayed.length === 0 ? 'Nothing to replay: no such job waits.' : `Queued again: ${replayed.join(', ')}.`;
    }
    return undefined;
  } finally {
    await pool.end();
  }
}

function attemptsMax(name: string): number {
  const known = [...namedTasks, ...crontab.map(({ task }) => task)].find((task) => task.name === name);
  if (!known) throw new Error(`No worker of this version runs "${name}": a replay would wait for ever.`);
  return known.attemptsMax;
}

function table(jobs: DeadJob[]): string {
  if (jobs.length === 0) return 'No job failed for good.';
  const lines = jobs.map(({ id, task, diedAt, attempts, reason, replayedAt }) =>
    [id, diedAt.toISOString(), task, `${attempts}×`, replayedAt ? '(replayed)' : '', reason].filter(Boolean).join('  '),
  );
  const more = jobs.length === listAtMost ? [`… and maybe more: these are the newest ${listAtMost}.`] : [];
  return [...lines, ...more].join('\n');
}

function explain(job: DeadJob | undefined, id: string): string {
  if (!job) return `There is no dead job ${id}.`;
  const next = job.replayedAt
    ? `It was queued again at ${job.replayedAt.toISOString()}.`
    : `Nothing will try it again by itself, unless the clock finds its rows still open. When the cause is gone: npm run jobs -- replay ${job.id}`;
  return [
    `task      ${job.task}`,
    `payload   ${JSON.stringify(job.payload)}`,
    `key       ${job.jobKey ?? '(none)'}`,
    `queued    ${job.queuedAt.toISOString()}`,
    `died      ${job.diedAt.toISOString()}, after ${job.attempts} attempts`,
    `reason    ${job.reason}`,
    `logs      lines with "task":"${job.task}" and its ids say what each attempt met`,
    '',
    next,
  ].join('\n');
}

if (import.meta.main) {
  const said = await runJobsCommand(readEnv('jobs').DATABASE_QUEUE_URL, process.argv.slice(2));
  console.log(said ?? usage);
  if (said === undefined) process.exitCode = 2;
}
