// The map library, brought only where a page draws a map.
// See: docs/decisions/0083-letters-without-a-glyph-server.md

import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';

export type MapLibre = typeof import('maplibre-gl');

export async function loadMapLibre(): Promise<MapLibre> {
  const [library] = await Promise.all([
    import('maplibre-gl'),
    import('maplibre-gl/dist/maplibre-gl.css'),
  ]);
  // Left to itself it asks for a worker beside its own file, which a build does not have.
  library.setWorkerUrl(workerUrl);
  return library;
}
