// A line along roads, and where somebody is who has driven a part of it.
// See: docs/web.md

/** Longitude and latitude, as the map counts them. */
export type Spot = readonly [number, number];

const METRES_A_DEGREE = 111_320;

function metresBetween(one: Spot, two: Spot): number {
  const shrink = Math.cos((one[1] * Math.PI) / 180);
  return METRES_A_DEGREE * Math.hypot((two[0] - one[0]) * shrink, two[1] - one[1]);
}

function between(one: Spot, two: Spot, share: number): Spot {
  return [one[0] + (two[0] - one[0]) * share, one[1] + (two[1] - one[1]) * share];
}

export class Line {
  readonly spots: readonly Spot[];
  /** Metres from the beginning to each spot. */
  readonly #metres: number[] = [0];

  constructor(spots: readonly Spot[]) {
    this.spots = spots;
    for (let i = 1; i < spots.length; i++) {
      const step = metresBetween(spots[i - 1] as Spot, spots[i] as Spot);
      this.#metres.push((this.#metres[i - 1] as number) + step);
    }
  }

  get metres(): number {
    return this.#metres.at(-1) ?? 0;
  }

  /** The spot so many metres along; its ends beyond them. */
  at(metres: number): Spot | null {
    const [first] = this.spots;
    if (first === undefined) return null;
    const after = this.#firstBeyond(metres);
    if (after === 0) return first;
    if (after === this.spots.length) return this.spots.at(-1) ?? null;
    return this.#within(after, metres);
  }

  /** Degrees clockwise from north in which the line runs there; null on a line without length. */
  headingAt(metres: number): number | null {
    if (this.metres === 0) return null;
    const inside = Math.min(Math.max(metres, 0), this.metres - 1e-6);
    const after = Math.max(1, this.#firstBeyond(inside));
    const [one, two] = [this.spots[after - 1] as Spot, this.spots[after] as Spot];
    const east = (two[0] - one[0]) * Math.cos((one[1] * Math.PI) / 180);
    return (Math.atan2(east, two[1] - one[1]) * 180) / Math.PI;
  }

  /** The part of the line between so many metres and so many. */
  part(from: number, to: number = Infinity): Spot[] {
    const [first, last] = [this.at(from), this.at(to)];
    if (first === null || last === null || to < from) return [];
    const end = Math.min(to, this.metres);
    const inner = this.spots.filter((_, i) => {
      const metres = this.#metres[i] as number;
      return metres > from && metres < end;
    });
    return [first, ...inner, last];
  }

  /** How far along the line it comes nearest to a spot, and how far apart they are there;
   * only what lies between `from` and `to` metres is looked at. */
  nearest(spot: Spot, from = 0, to = Infinity): { along: number; apart: number } {
    const found = { along: from, apart: Infinity };
    this.spots.forEach((here, i) => {
      const [along, apart] = this.#nearestAfter(i, here, spot);
      if (along < from || along > to) return;
      if (apart < found.apart) Object.assign(found, { along, apart });
    });
    return found;
  }

  #nearestAfter(i: number, here: Spot, spot: Spot): [number, number] {
    const next = this.spots[i + 1] ?? here;
    const shrink = Math.cos((here[1] * Math.PI) / 180);
    const [dx, dy] = [(next[0] - here[0]) * shrink, next[1] - here[1]];
    const [px, py] = [(spot[0] - here[0]) * shrink, spot[1] - here[1]];
    const length = dx * dx + dy * dy;
    const share = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
    const start = this.#metres[i] as number;
    const along = start + share * ((this.#metres[i + 1] ?? start) - start);
    return [along, metresBetween(between(here, next, share), spot)];
  }

  #within(after: number, metres: number): Spot {
    const [before, beyond] = [this.#metres[after - 1] as number, this.#metres[after] as number];
    const share = beyond === before ? 0 : (metres - before) / (beyond - before);
    return between(this.spots[after - 1] as Spot, this.spots[after] as Spot, share);
  }

  /** The first spot that lies beyond so many metres, by halving. */
  #firstBeyond(metres: number): number {
    let [low, high] = [0, this.#metres.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#metres[middle] as number) > metres) high = middle;
      else low = middle + 1;
    }
    return metres < 0 ? 0 : low;
  }
}
