// Loaded into the program where the kernel cannot tell it of its parent's death: it looks itself.
const parent = process.ppid;
const LOOK_EVERY_MS = 500;

const looking = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(looking);
  process.kill(process.pid, 'SIGTERM');
}, LOOK_EVERY_MS);
looking.unref();
