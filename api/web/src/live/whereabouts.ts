// Where a vehicle is at a moment: along the line that it drives, by the clock, from where its
// tablet last reported it.
// See: docs/web.md

import type { Vehicle } from '../shared/client';
import { Line, type Spot } from '../shared/line';
import { momentOf, type Moment } from '../shared/time';

/** A report farther from the line is of another road: the timetable is believed instead. */
const ON_THE_LINE_METRES = 250;

function endOf(line: Line): Spot {
  return line.spots.at(-1) ?? [0, 0];
}

export interface Whereabouts {
  spot: Spot;
  /** Degrees clockwise from north; null while it stands. */
  heading: number | null;
}

/** One vehicle's way as of one reading; asked for each frame, so its lines are measured once. */
export class Way {
  readonly #vehicle: Vehicle;
  readonly #drive: Line | null;
  readonly #ahead: Line;
  /** From when and where on the line it goes on evenly until it arrives. */
  readonly #from: { moment: Moment; metres: number };

  constructor(vehicle: Vehicle) {
    this.#vehicle = vehicle;
    this.#drive = vehicle.drive ? new Line(vehicle.drive.line) : null;
    this.#ahead = new Line(vehicle.ahead);
    this.#from = this.#lastKnown();
  }

  at(moment: Moment): Whereabouts | null {
    const line = this.#drive;
    if (line === null || line.metres === 0) return this.#standing();
    const metres = this.#metresAt(moment);
    const spot = line.at(metres);
    if (spot === null) return this.#standing();
    return { spot, heading: metres < line.metres ? line.headingAt(metres) : null };
  }

  /** The line still to be driven from where it is: the part driven now, and the part through the
   * calls that begin before `until`. */
  aheadAt(moment: Moment, until: Moment): { now: Spot[]; later: Spot[] } {
    const start = this.#drive ? this.#ahead.nearest(endOf(this.#drive)).along : 0;
    let end = start;
    for (const call of this.#vehicle.calls) {
      const { lat, lon } = call.place ?? {};
      if (momentOf(call.starts_at) > until) break;
      if (lat != null && lon != null) end = this.#ahead.nearest([lon, lat], end).along;
    }
    const now = this.#drive?.part(this.#metresAt(moment)) ?? [];
    return { now, later: end > start ? this.#ahead.part(start, end) : [] };
  }

  #standing(): Whereabouts | null {
    const { lat, lon } = this.#vehicle.standing;
    const reported = this.#vehicle.position;
    if (lat !== null && lon !== null) return { spot: [lon, lat], heading: null };
    return reported && { spot: [reported.lon, reported.lat], heading: null };
  }

  #metresAt(moment: Moment): number {
    const { drive } = this.#vehicle;
    const line = this.#drive;
    if (!drive || line === null) return 0;
    const left = momentOf(drive.arrives_at) - this.#from.moment;
    const share = left <= 0 ? 1 : (moment - this.#from.moment) / left;
    const rest = line.metres - this.#from.metres;
    return this.#from.metres + rest * Math.min(1, Math.max(0, share));
  }

  #lastKnown(): { moment: Moment; metres: number } {
    const { drive, position } = this.#vehicle;
    if (!drive || this.#drive === null) return { moment: 0, metres: 0 };
    const left = { moment: momentOf(drive.leaves_at), metres: 0 };
    if (!position || momentOf(position.at) <= left.moment) return left;
    const { along, apart } = this.#drive.nearest([position.lon, position.lat]);
    return apart > ON_THE_LINE_METRES ? left : { moment: momentOf(position.at), metres: along };
  }
}
