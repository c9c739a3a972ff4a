// Marks upon the map that are elements of the page: vehicles, and the people who wait for them.
// See: docs/web.md

import type { Map as DrawnMap, Marker, PositionAnchor } from 'maplibre-gl';
import type { Spot } from '../shared/line';
import type { MapLibre } from '../shared/maplibre';
import type { Whereabouts } from './whereabouts';

export interface Mark {
  id: string;
  number: number;
  says: string;
  /** Whether it wants a person's eye. */
  alarm?: boolean;
  at: Spot;
}

/** One kind of mark; each is made once, moved while it lasts, and taken off afterwards. */
export class Marks<Each extends Mark = Mark> {
  readonly #map: DrawnMap;
  readonly #library: MapLibre;
  readonly #make: (mark: Each) => HTMLElement;
  readonly #anchor: PositionAnchor;
  readonly #shown = new Map<string, Marker>();

  constructor(
    map: DrawnMap,
    library: MapLibre,
    make: (mark: Each) => HTMLElement,
    anchor: PositionAnchor = 'center',
  ) {
    this.#map = map;
    this.#library = library;
    this.#make = make;
    this.#anchor = anchor;
  }

  show(marks: Each[]): void {
    const wanted = new Set(marks.map((mark) => mark.id));
    for (const [id, marker] of this.#shown) {
      if (wanted.has(id)) continue;
      marker.remove();
      this.#shown.delete(id);
    }
    for (const mark of marks) {
      const element = (this.#shown.get(mark.id) ?? this.#add(mark)).getElement();
      element.title = mark.says;
      element.classList.toggle('alarm', mark.alarm ?? false);
      element.setAttribute('aria-label', mark.says);
    }
  }

  move(id: string, { spot, heading }: Whereabouts): void {
    const marker = this.#shown.get(id);
    if (!marker) return;
    marker.setLngLat([spot[0], spot[1]]);
    const element = marker.getElement();
    element.classList.toggle('moving', heading !== null);
    if (heading !== null) element.style.setProperty('--heading', `${heading.toFixed(0)}deg`);
  }

  #add(mark: Each): Marker {
    const marker = new this.#library.Marker({ element: this.#make(mark), anchor: this.#anchor });
    marker.setLngLat([mark.at[0], mark.at[1]]).addTo(this.#map);
    this.#shown.set(mark.id, marker);
    return marker;
  }
}

function colourOf(number: number): string {
  return `var(--vehicle-${((number - 1) % 8) + 1})`;
}

export function vehicleMark(mark: Mark, onpick: (id: string) => void): HTMLElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'vehicle-mark';
  button.style.setProperty('--colour', colourOf(mark.number));
  const nose = document.createElement('span');
  nose.className = 'nose';
  const plate = document.createElement('span');
  plate.className = 'plate number';
  plate.textContent = String(mark.number);
  button.append(nose, plate);
  button.addEventListener('click', () => onpick(mark.id));
  return button;
}

const SVG = 'http://www.w3.org/2000/svg';
const PERSON = 'M12 3.2a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8zM5.5 21v-4.5a6.5 6.5 0 0 1 13 0V21z';

export function personMark(mark: Mark): HTMLElement {
  const element = document.createElement('div');
  element.className = 'person-mark';
  element.setAttribute('role', 'img');
  element.style.setProperty('--colour', colourOf(mark.number));
  const drawing = document.createElementNS(SVG, 'svg');
  drawing.setAttribute('viewBox', '0 0 24 24');
  const figure = document.createElementNS(SVG, 'path');
  figure.setAttribute('d', PERSON);
  drawing.append(figure);
  element.append(drawing);
  return element;
}
