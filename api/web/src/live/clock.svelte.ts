// The service's clock as the page shows it: set by each reading, running on by itself between two.
// See: docs/web.md

import type { Live } from '../shared/client';
import { momentOf, type Moment } from '../shared/time';

const TICK_MILLISECONDS = 250;
/** A step back that is smaller is only a slower answer: the clock stands still instead. */
const SMALL_STEP_MILLISECONDS = 2_000;

export class ServiceClock {
  /** The moment shown, a few times a second; animation asks `now()` instead. */
  shown = $state<Moment>(0);
  speed = $state(1);
  paused = $state(false);
  #wall: () => number;
  #setAt = 0;
  #moment = 0;
  #last = 0;

  constructor(wall: () => number = () => performance.now()) {
    this.#wall = wall;
  }

  set(reading: Live): void {
    this.speed = reading.clock?.speed ?? 1;
    this.paused = reading.clock?.paused ?? false;
    this.#moment = momentOf(reading.clock?.now ?? reading.now);
    this.#setAt = this.#wall();
    this.shown = this.now();
  }

  now(): Moment {
    const passed = this.paused ? 0 : (this.#wall() - this.#setAt) * this.speed;
    const moment = this.#moment + passed;
    const back = this.#last - moment;
    if (back <= 0 || back > SMALL_STEP_MILLISECONDS * Math.max(1, this.speed)) this.#last = moment;
    return this.#last;
  }

  run(signal: AbortSignal): void {
    const timer = setInterval(() => (this.shown = this.now()), TICK_MILLISECONDS);
    signal.addEventListener('abort', () => clearInterval(timer));
  }
}
