/** Looks again every few milliseconds until there is an answer or the time is over. For processes, which send no event when they are ready. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>, withinMs: number, everyMs = 5): Promise<T | undefined> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await look();
    if (answer !== undefined) return answer;
    if (performance.now() >= end) return undefined;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
