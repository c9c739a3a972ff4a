// Follows the service's stream for as long as the page is open: after any cut it resumes from the
// last event's number, so that nothing is lost, and waits longer each time it fails.
// See: docs/http.md, the stream; docs/decisions/0081-a-page-reads-again-rather-than-patches.md

import { Problem, STREAM, problemOf } from './client';
import { EventParser, type StreamEvent } from './events';

/** The server pings each 15 seconds; a stream that is silent for longer is dead. */
const SILENT_MILLISECONDS = 40_000;
const FIRST_WAIT_MILLISECONDS = 1_000;
const LONGEST_WAIT_MILLISECONDS = 30_000;

export interface Following {
  token: string;
  /** Asked before each connection: where a reader without an id of its own begins. */
  start: () => number;
  signal: AbortSignal;
  onOpen: () => void;
  onEvents: (events: StreamEvent[]) => void;
  /** The connection was lost; null where the server ended it in order or is not there. */
  onCut: (problem: Problem | null) => void;
}

/** How long to wait before the next try, after so many that failed. */
export function waitBefore(failures: number, chance: number = Math.random()): number {
  const doubled = FIRST_WAIT_MILLISECONDS * 2 ** Math.min(failures, 10);
  return Math.min(doubled, LONGEST_WAIT_MILLISECONDS) * (0.8 + 0.4 * chance);
}

/** Follow until the signal ends it; throws Problem where no further try would help. */
export async function follow(following: Following): Promise<void> {
  const { signal } = following;
  const parser = new EventParser();
  let failures = 0;
  while (!signal.aborted) {
    const problem = await listen(following, parser, () => (failures = 0));
    if (signal.aborted) return;
    following.onCut(problem);
    if (problem?.asksForToken) throw problem;
    // The number is unknown to this service (another database): begin where it stands now.
    if (problem?.status === 400) parser.lastId = '';
    await pause(waitBefore(failures++), signal);
  }
}

/** One connection, from its opening to its end. */
async function listen(
  following: Following,
  parser: EventParser,
  opened: () => void,
): Promise<Problem | null> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENT_MILLISECONDS);
  try {
    const answer = await open(following, parser.lastId, silence.signal);
    if (!answer.ok) return await problemOf(answer);
    if (answer.body === null) return null;
    following.onOpen();
    opened();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return null;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENT_MILLISECONDS);
      const events = parser.push(value);
      if (events.length > 0) following.onEvents(events);
    }
  } catch {
    return null; // not reached, or cut in the middle
  } finally {
    clearTimeout(timer);
  }
}

function open(following: Following, lastId: string, silence: AbortSignal): Promise<Response> {
  const headers = new Headers({ Authorization: `Bearer ${following.token}` });
  if (lastId) headers.set('Last-Event-ID', lastId);
  const query = lastId ? '' : `?after=${following.start()}`;
  const signal = AbortSignal.any([following.signal, silence]);
  return fetch(STREAM + query, { headers, signal, cache: 'no-store' });
}

/** Wait, but no longer than until the network is back or the page is done. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
    addEventListener('online', done);
  });
}
