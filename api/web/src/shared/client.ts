// The service over HTTP, typed by its own description: one class, no rule of the service in it.
// See: docs/http.md

import type { paths } from './api.gen';

export type Path = keyof paths & string;

/** What a GET of this path answers. */
export type Answer<P extends Path> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Live = Answer<'/api/v1/live'>;
export type Vehicle = Live['vehicles'][number];
export type Call = Vehicle['calls'][number];
export type Ride = Live['requests'][number];
export type BaseMap = Answer<'/api/v1/map'>;

export const STREAM = '/api/v1/stream';
const CLOCK = '/api/v1/clock';

/** Something that the service refused; `message` is its sentence for people. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether another token would help. */
  get asksForToken(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** The problem that a failed answer carries, or its bare status where it carries none. */
export async function problemOf(answer: Response): Promise<Problem> {
  const said: unknown = await answer.json().catch(() => null);
  const { code, detail } = (said ?? {}) as { code?: string; detail?: string };
  return new Problem(answer.status, code ?? 'unknown', detail ?? `${answer.status}`);
}

export class Client {
  readonly token: string;
  readonly #language: () => string;

  constructor(token: string, language: () => string) {
    this.token = token;
    this.#language = language;
  }

  /** Read; throws Problem where the service refuses and TypeError where it cannot be reached. */
  get<P extends Path>(path: P, signal?: AbortSignal): Promise<Answer<P>> {
    return this.#ask<Answer<P>>(path, { signal: signal ?? null });
  }

  /** Hold the demo's clock, let it go, or change its speed. */
  async setClock(change: { speed?: number; paused?: boolean }): Promise<void> {
    await this.#ask(CLOCK, {
      method: 'PATCH',
      body: JSON.stringify(change),
      headers: { 'Content-Type': 'application/json' },
    });
  }

  async #ask<Body>(path: string, init: RequestInit): Promise<Body> {
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${this.token}`);
    headers.set('Accept-Language', this.#language());
    const answer = await fetch(path, { ...init, headers });
    if (!answer.ok) throw await problemOf(answer);
    return (await answer.json()) as Body;
  }
}
