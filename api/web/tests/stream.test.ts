import { afterEach, describe, expect, test, vi } from 'vitest';
import { Problem } from '../src/shared/client';
import { follow, waitBefore, type Following } from '../src/shared/stream';

/** A service that gives these answers one after the other, then none; notes how it was asked. */
function service(...answers: (() => Response)[]): { asked: Request[] } {
  const asked: Request[] = [];
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    const { headers } = init;
    asked.push(new Request(`http://town${path}`, { headers: headers as Headers }));
    const answer = answers.shift();
    return answer ? Promise.resolve(answer()) : new Promise(() => undefined);
  });
  return { asked };
}

/** Let time pass, as fast as it goes, until this holds. */
function eventually(holds: () => void): Promise<void> {
  return vi.waitFor(holds, { timeout: 20_000 });
}

const says = (text: string) => (): Response => new Response(text, { status: 200 });
const refuses = (status: number) => (): Response => new Response('{"code":"x"}', { status });

function following(change: Partial<Following> = {}): Following & { events: string[] } {
  const events: string[] = [];
  return {
    token: 'secret',
    start: () => 4,
    signal: new AbortController().signal,
    onOpen: () => undefined,
    onEvents: (read) => events.push(...read.map((event) => event.id)),
    onCut: () => undefined,
    events,
    ...change,
  };
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('following the stream', () => {
  test('begins after the number of the reading, and resumes after the last event', async () => {
    vi.useFakeTimers();
    const { asked } = service(says('id: 5\ndata: {}\n\nid: 6\ndata: {}\n\n'), says('id: 7\ndata: {}\n\n'));
    const reader = following();
    void follow(reader);
    await eventually(() => expect(reader.events).toEqual(['5', '6', '7']));
    expect(asked[0]?.url).toBe('http://town/api/v1/stream?after=4');
    expect(asked[0]?.headers.get('authorization')).toBe('Bearer secret');
    expect(asked[1]?.url).toBe('http://town/api/v1/stream');
    expect(asked[1]?.headers.get('last-event-id')).toBe('6');
  });

  test('begins anew where the service does not know the number', async () => {
    vi.useFakeTimers();
    const { asked } = service(says('id: 5\ndata: {}\n\n'), refuses(400), says(': here\n\n'));
    void follow(following());
    await eventually(() => expect(asked).toHaveLength(3));
    expect(asked[2]?.headers.get('last-event-id')).toBeNull();
  });

  test('ends where the token does not hold', async () => {
    service(refuses(401));
    await expect(follow(following())).rejects.toBeInstanceOf(Problem);
  });

  test('says each time that it was cut, with the reason where there is one', async () => {
    vi.useFakeTimers();
    service(says(''), refuses(503));
    const cuts: (number | null)[] = [];
    void follow(following({ onCut: (problem) => cuts.push(problem?.status ?? null) }));
    await eventually(() => expect(cuts).toEqual([null, 503]));
  });
});

describe('the wait before the next try', () => {
  test('doubles up to half a minute', () => {
    expect([0, 1, 2, 3, 4, 5, 60].map((failures) => waitBefore(failures, 0.5))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
  });

  test('differs from page to page, so that not all come back at once', () => {
    expect(waitBefore(0, 0)).toBe(800);
    expect(waitBefore(0, 1)).toBeCloseTo(1200);
  });
});
