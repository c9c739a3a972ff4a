// Tiles that the town lets browsers fetch, drawn in place of its own ground (town.toml, [map]).
// Vector tiles are taken to be in the OpenMapTiles schema; raster tiles bring their own names.

import type { LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl';
import type { GroundColours } from './basemap';
import type { BaseMap } from './client';

type Tiles = NonNullable<BaseMap['tiles']>;

const GROUND = ['woods', 'water', 'rivers', 'road-edges', 'roads'];
const NAMES = ['peak-names', 'district-names', 'place-names'];

/** The style with the town's tiles beneath, or as it is where the town has none. */
export function withTiles(
  style: StyleSpecification,
  tiles: Tiles | null,
  colours: GroundColours,
): StyleSpecification {
  if (tiles === null) return style;
  const hidden = tiles.kind === 'raster' ? [...GROUND, ...NAMES] : GROUND;
  const [land, ...rest] = style.layers;
  const kept = rest.filter((layer) => !hidden.includes(layer.id));
  const layers = [land, ...tileLayers(tiles, colours), ...kept] as LayerSpecification[];
  return { ...style, sources: { ...style.sources, tiles: tileSource(tiles) }, layers };
}

function tileSource(tiles: Tiles): SourceSpecification {
  const about = { tiles: [tiles.url], attribution: tiles.credit };
  return tiles.kind === 'raster'
    ? { type: 'raster', tileSize: 256, maxzoom: 18, ...about }
    : { type: 'vector', maxzoom: 14, ...about };
}

function tileLayers(tiles: Tiles, colours: GroundColours): LayerSpecification[] {
  if (tiles.kind === 'raster') return [{ id: 'tiles', type: 'raster', source: 'tiles' }];
  return [
    {
      id: 'tile-woods',
      type: 'fill',
      source: 'tiles',
      'source-layer': 'landcover',
      filter: ['==', ['get', 'class'], 'wood'],
      paint: { 'fill-color': colours.woods },
    },
    {
      id: 'tile-water',
      type: 'fill',
      source: 'tiles',
      'source-layer': 'water',
      paint: { 'fill-color': colours.water },
    },
    {
      id: 'tile-rivers',
      type: 'line',
      source: 'tiles',
      'source-layer': 'waterway',
      paint: { 'line-color': colours.water, 'line-width': 1.5 },
    },
    {
      id: 'tile-roads',
      type: 'line',
      source: 'tiles',
      'source-layer': 'transportation',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': colours.road,
        'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 10, 0.8, 16, 6],
      },
    },
  ];
}
