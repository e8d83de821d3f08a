import { readdir, readFile } from 'node:fs/promises';

/** Processor time in ms that a process has taken so far, its ended children included where they are counted to it. Zero where there is no /proc. */
export async function cpuOf(pid: number): Promise<number> {
  const ticks = (await statOf(pid)).slice(11, 15).map(Number); // utime, stime, cutime, cstime: proc(5)
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}

/** The same for a Postgres, by the process id of one of its backends: the postmaster and everyone below it. */
export async function cpuOfPostgres(backendPid: number): Promise<number> {
  const [, postmaster] = await statOf(backendPid);
  if (postmaster === undefined) return 0;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const children = await Promise.all(pids.map(async (pid) => ((await statOf(pid))[1] === postmaster ? [pid] : [])));
  const times = await Promise.all([Number(postmaster), ...children.flat()].map(cpuOf));
  return times.reduce((sum, each) => sum + each, 0);
}

/** What stands behind a process's name: its state, its parent, and so on. Empty where there is no such process. */
async function statOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''); // ended, or another system
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ');
}
