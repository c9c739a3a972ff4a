import type { StyleSpecification } from 'maplibre-gl';
import { describe, expect, it } from 'vitest';
import type { GroundColours } from '../src/shared/basemap';
import { withTiles } from '../src/shared/tiles';

const colours = { woods: 'green', water: 'blue', road: 'white' } as GroundColours;
const own = {
  version: 8,
  sources: {},
  layers: ['land', 'woods', 'roads', 'border', 'place-names'].map((id) => ({
    id,
    type: 'background',
  })),
} as StyleSpecification;

function ids(style: StyleSpecification): string[] {
  return style.layers.map((layer) => layer.id);
}

describe('tiles in place of the town’s own ground', () => {
  it('leaves the map as it is where the town has none', () => {
    expect(withTiles(own, null, colours)).toBe(own);
  });

  it('draws an image beneath the border, with its credit and its own names', () => {
    const url = 'https://tiles.example/{z}/{x}/{y}.png';
    const style = withTiles(own, { kind: 'raster', url, credit: '地理院タイル' }, colours);

    expect(ids(style)).toEqual(['land', 'tiles', 'border']);
    expect(style.sources.tiles).toMatchObject({ tiles: [url], attribution: '地理院タイル' });
  });

  it('draws vector tiles in the colours of the town’s map and keeps its names', () => {
    const url = '/tiles/{z}/{x}/{y}.pbf';
    const style = withTiles(own, { kind: 'vector', url, credit: '© somebody' }, colours);

    expect(ids(style).slice(-2)).toEqual(['border', 'place-names']);
    expect(ids(style)).toContain('tile-water');
    expect(ids(style)).not.toContain('woods');
  });
});
