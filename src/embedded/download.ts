export interface DownloadOptions {
  /** How long the other side may take to answer, and later how long it may pause. */
  answerWithinMs: number;
}

/** Fetches a file. Silence, a refusal and a broken transfer are answers, not exceptions. */
export async function download(url: string, { answerWithinMs }: DownloadOptions): Promise<{ bytes: Buffer } | { why: string }> {
  const giveUp = new AbortController();
  const silence = (): NodeJS.Timeout => setTimeout(() => giveUp.abort(), answerWithinMs);
  let timer = silence();
  try {
    const response = await fetch(url, { signal: giveUp.signal, redirect: 'follow' });
    if (!response.ok) return { why: `${url} answered ${response.status} ${response.statusText}`.trim() };
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk as Uint8Array);
      clearTimeout(timer);
      timer = silence();
    }
    return { bytes: Buffer.concat(chunks) };
  } catch (fault) {
    if (giveUp.signal.aborted) return { why: `${url} did not answer within ${answerWithinMs / 1000} s` };
    return { why: `${url} could not be fetched: ${reasonOf(fault)}` };
  } finally {
    clearTimeout(timer);
  }
}

/** fetch() says «fetch failed» and keeps the reason one level down. */
function reasonOf(fault: unknown): string {
  const cause = fault instanceof Error ? fault.cause : undefined;
  if (cause instanceof Error) return cause.message;
  return fault instanceof Error ? fault.message : String(fault);
}
