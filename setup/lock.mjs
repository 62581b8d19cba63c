// One set-up at a time: a second start waits for the first and finds the work done.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HEARTBEAT_MS = 1000;
const DEAD_AFTER_MS = 15_000;
const LOOK_EVERY_MS = 200;

/** The holder touches its lock every second, so that one killed with -9 holds up nobody for long. */
export async function underSetUpLock(project, say, work, { deadAfterMs = DEAD_AFTER_MS } = {}) {
  const folder = join(project, '.drey');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'set-up.lock');
  let told = false;
  while (!taken(path)) {
    if (isDead(path, deadAfterMs)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) say(`waiting for another start to finish its set-up (process ${holderOf(path)})`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  const heartbeat = setInterval(() => { try { utimesSync(path, new Date(), new Date()); } catch { /* removed by hand */ } }, HEARTBEAT_MS);
  const letGo = () => rmSync(path, { force: true });
  process.once('exit', letGo);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    process.off('exit', letGo);
    letGo();
  }
}

function taken(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (fault) {
    if (fault.code === 'EEXIST') return false;
    throw fault;
  }
}

function isDead(path, deadAfterMs) {
  const pid = Number(holderOf(path));
  try {
    if (pid > 0) process.kill(pid, 0);
  } catch (fault) {
    if (fault.code === 'ESRCH') return true;
  }
  try {
    return Date.now() - statSync(path).mtimeMs > deadAfterMs;
  } catch {
    return false;
  }
}

function holderOf(path) {
  try { return readFileSync(path, 'utf8'); } catch { return ''; }
}
