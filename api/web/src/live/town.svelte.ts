// The live town as the page knows it: one reading of the whole day, read again whenever the
// stream brings news, so that nothing is patched together here.
// See: docs/decisions/0081-a-page-reads-again-rather-than-patches.md

import { Client, Problem, type BaseMap, type Live } from '../shared/client';
import { follow, pause, waitBefore } from '../shared/stream';
import { ServiceClock } from './clock.svelte';

const SHORTEST_BETWEEN_READINGS = 500;
const LONGEST_BETWEEN_READINGS = 15_000;
/** With a clock that runs fast, time alone changes more. */
const LONGEST_IN_A_DEMO = 4_000;

export type Link = 'connecting' | 'connected' | 'cut';

/** Which of two readings to show: an answer that was overtaken on its way is left out. */
export function newer(known: Live | null, read: Live): Live {
  if (known === null || known.day !== read.day) return read;
  return read.event_number < known.event_number ? known : read;
}

export class LiveTown {
  reading = $state.raw<Live | null>(null);
  ground = $state.raw<BaseMap | null>(null);
  link = $state<Link>('connecting');
  /** What the service said against us, where no further try would help. */
  refused = $state.raw<Problem | null>(null);
  readonly clock = new ServiceClock();
  readonly #client: Client;
  readonly #end = new AbortController();
  #wanted = false;
  #reading = false;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Read and follow until `stop`. */
  async start(): Promise<void> {
    this.clock.run(this.#end.signal);
    try {
      await this.#firstReading();
      void this.#readNowAndThen();
      await follow({
        token: this.#client.token,
        start: () => this.reading?.event_number ?? 0,
        signal: this.#end.signal,
        onOpen: () => {
          this.link = 'connected';
          this.refresh();
        },
        onEvents: () => this.refresh(),
        onCut: () => (this.link = 'cut'),
      });
    } catch (problem) {
      this.#end.abort();
      if (problem instanceof Problem) this.refused = problem;
      else throw problem;
    }
  }

  stop(): void {
    this.#end.abort();
  }

  /** Read again soon; what is asked for meanwhile is answered together. */
  refresh(): void {
    this.#wanted = true;
    if (this.#reading) return;
    this.#reading = true;
    void this.#readWhileWanted().finally(() => (this.#reading = false));
  }

  async setClock(change: { speed?: number; paused?: boolean }): Promise<void> {
    await this.#client.setClock(change).catch(() => undefined);
    this.refresh();
  }

  async #firstReading(): Promise<void> {
    for (let failures = 0; !this.#end.signal.aborted; failures++) {
      try {
        const [ground] = await Promise.all([this.#client.get('/api/v1/map'), this.#read()]);
        this.ground = ground;
        return;
      } catch (problem) {
        if (problem instanceof Problem && problem.asksForToken) throw problem;
        this.link = 'cut';
        await pause(waitBefore(failures), this.#end.signal);
      }
    }
  }

  async #read(): Promise<void> {
    const read = await this.#client.get('/api/v1/live', this.#end.signal);
    const shown = newer(this.reading, read);
    if (shown !== read) return;
    this.reading = read;
    this.clock.set(read);
  }

  async #readWhileWanted(): Promise<void> {
    const { signal } = this.#end;
    while (this.#wanted && !signal.aborted) {
      this.#wanted = false;
      await this.#read().catch(() => undefined); // the stream tells whether we are connected
      await pause(SHORTEST_BETWEEN_READINGS, signal);
    }
  }

  /** Time changes the town too, without an event: a promise comes into danger by itself. */
  async #readNowAndThen(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      const demo = this.reading?.clock != null;
      await pause(demo ? LONGEST_IN_A_DEMO : LONGEST_BETWEEN_READINGS, signal);
      if (this.link === 'connected') this.refresh();
    }
  }
}
