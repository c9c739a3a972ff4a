// The base map as a MapLibre style: the town's own ground, drawn without a network.
// A style without `glyphs` has its letters drawn by the browser, Latin ones too.
// See: docs/decisions/0083-letters-without-a-glyph-server.md

import type {
  GeoJSONSourceSpecification,
  LayerSpecification,
  StyleSpecification,
} from 'maplibre-gl';
import type { BaseMap } from './client';
import { beyond, districts, edges } from './ground';
import { withTiles } from './tiles';

export const TYPE = 'BIZ UDPGothic';

/** Widths of roads 1 (widest) to 5, in pixels when the whole town is seen and from near. */
const FAR_WIDTHS = [2, 1.4, 0.9, 0.5, 0.3];
const NEAR_WIDTHS = [9, 7, 5.5, 4, 2.5];

/** Settlements named at each zoom: the most peopled first. */
const NAMED: [zoom: number, most: number][] = [
  [0, 8],
  [11, 20],
  [12, 60],
  [13, 1000],
];

export interface GroundColours {
  land: string;
  outside: string;
  water: string;
  woods: string;
  road: string;
  roadEdge: string;
  border: string;
  name: string;
  quietName: string;
  halo: string;
}

const GROUND: Record<keyof GroundColours, string> = {
  land: '--map-land',
  outside: '--map-outside',
  water: '--map-water',
  woods: '--map-woods',
  road: '--map-road',
  roadEdge: '--map-road-edge',
  border: '--map-border',
  name: '--map-name',
  quietName: '--map-quiet-name',
  halo: '--map-halo',
};

/** A colour of the style sheet as it stands in the present theme. */
export function resolvedColour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export function groundColours(): GroundColours {
  const entries = Object.entries(GROUND).map(([key, name]) => [key, resolvedColour(name)]);
  return Object.fromEntries(entries) as unknown as GroundColours;
}

function source(data: unknown): GeoJSONSourceSpecification {
  return { type: 'geojson', data: data as GeoJSON.GeoJSON, tolerance: 0.4 };
}

function roadWidth(extra: number): LayerSpecification['paint'] {
  const widths = (by: number[]): unknown[] =>
    by.flatMap((width, i) => (i < by.length - 1 ? [i + 1, width + extra] : [width + extra]));
  const match = (by: number[]): unknown[] => ['match', ['get', 'width'], ...widths(by)];
  return {
    'line-width': [
      'interpolate',
      ['exponential', 1.5],
      ['zoom'],
      10,
      match(FAR_WIDTHS),
      16,
      match(NEAR_WIDTHS),
    ],
  } as LayerSpecification['paint'];
}

function mostNamed(): unknown[] {
  const [first, ...later] = NAMED.map(([zoom, most]) => [zoom, ['<=', ['get', 'rank'], most]]);
  return ['step', ['zoom'], first?.[1], ...later.flat()];
}

/** The layers of the ground, from below. */
export function groundLayers(colours: GroundColours): LayerSpecification[] {
  const round = { 'line-cap': 'round', 'line-join': 'round' } as const;
  const type = { 'text-font': [TYPE], 'text-field': ['get', 'name'] } as const;
  const halo = { 'text-halo-color': colours.halo, 'text-halo-width': 1.6 };
  return [
    { id: 'land', type: 'background', paint: { 'background-color': colours.land } },
    { id: 'woods', type: 'fill', source: 'woods', paint: { 'fill-color': colours.woods } },
    { id: 'water', type: 'fill', source: 'water', paint: { 'fill-color': colours.water } },
    {
      id: 'rivers',
      type: 'line',
      source: 'rivers',
      layout: round,
      paint: { 'line-color': colours.water, 'line-width': 1.5 },
    },
    {
      id: 'road-edges',
      type: 'line',
      source: 'roads',
      layout: round,
      minzoom: 12,
      paint: { 'line-color': colours.roadEdge, ...roadWidth(1.5) },
    },
    {
      id: 'roads',
      type: 'line',
      source: 'roads',
      layout: round,
      paint: { 'line-color': colours.road, ...roadWidth(0) },
    },
    {
      id: 'beyond',
      type: 'fill',
      source: 'beyond',
      paint: { 'fill-color': colours.outside, 'fill-opacity': 0.5 },
    },
    {
      id: 'edges',
      type: 'fill',
      source: 'edges',
      paint: { 'fill-color': colours.outside, 'fill-opacity': 0.3, 'fill-antialias': false },
    },
    {
      id: 'border',
      type: 'line',
      source: 'areas',
      layout: round,
      paint: { 'line-color': colours.border, 'line-width': 1.2, 'line-dasharray': [4, 3] },
    },
    {
      id: 'stops',
      type: 'circle',
      source: 'stops',
      minzoom: 11,
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 11, 1.6, 15, 4],
        'circle-color': colours.halo,
        'circle-stroke-color': colours.quietName,
        'circle-stroke-width': 1.2,
      },
    },
    {
      id: 'stop-names',
      type: 'symbol',
      source: 'stops',
      minzoom: 13.2,
      layout: {
        ...type,
        'text-size': 12,
        'text-anchor': 'left',
        'text-offset': [0.7, 0],
        'text-optional': true,
      },
      paint: { 'text-color': colours.quietName, ...halo },
    },
    {
      id: 'peak-names',
      type: 'symbol',
      source: 'peaks',
      minzoom: 10.5,
      layout: { ...type, 'text-field': ['concat', '▲', ['get', 'name']], 'text-size': 11 },
      paint: { 'text-color': colours.quietName, ...halo },
    },
    {
      id: 'district-names',
      type: 'symbol',
      source: 'districts',
      maxzoom: 13,
      layout: { ...type, 'text-size': 20, 'text-letter-spacing': 0.4 },
      paint: { 'text-color': colours.quietName, ...halo },
    },
    {
      id: 'place-names',
      type: 'symbol',
      source: 'places',
      filter: mostNamed(),
      layout: {
        ...type,
        'symbol-sort-key': ['get', 'rank'],
        'text-size': ['interpolate', ['linear'], ['zoom'], 10, 13, 14, 16],
        'text-padding': 6,
      },
      paint: { 'text-color': colours.name, ...halo },
    },
  ] as LayerSpecification[];
}

export function groundStyle(base: BaseMap, colours: GroundColours): StyleSpecification {
  const own: StyleSpecification = {
    version: 8,
    sources: {
      woods: source(base.woods),
      water: source(base.water),
      rivers: source(base.rivers),
      roads: source(base.roads),
      areas: source(base.areas),
      beyond: source(beyond(base)),
      edges: source(edges(base)),
      districts: source(districts(base)),
      stops: source(base.stops),
      places: source(base.places),
      peaks: source(base.peaks),
    },
    layers: groundLayers(colours),
  };
  return withTiles(own, base.tiles, colours);
}
