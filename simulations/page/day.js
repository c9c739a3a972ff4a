'use strict';
// The day's page: draws what the simulation recorded, and nothing else. All times are seconds
// since local midnight; lines are encoded polylines (five decimals).
const DAY = JSON.parse(document.getElementById('data').textContent);
const COLOURS = ['#0b6158', '#8a2f5e', '#1f4f96', '#7a4b00', '#5b3a8c', '#9a3412', '#3d5a1e', '#37474f'];
const WORDS = DAY.words;
const NS = 'http://www.w3.org/2000/svg';
const $ = (id) => document.getElementById(id);
let lang = document.documentElement.lang;
let now = DAY.opens;
let playing = false;

const w = (key, facts = {}) =>
  WORDS[lang][key].replace(/\{(\w+)\}/g, (_, name) => (name in facts ? facts[name] : ''));
const clock = (s) => {
  if (s === null || s === undefined) return '–';
  const minutes = Math.floor(s / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
};
const colour = (i) => COLOURS[i % COLOURS.length];

function el(name, attributes = {}, ...children) {
  const svg = ['svg', 'g', 'path', 'circle', 'text', 'rect', 'line', 'title', 'tspan', 'polygon'];
  const node = svg.includes(name) ? document.createElementNS(NS, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// ---- the map ----
const [WEST, SOUTH, EAST, NORTH] = DAY.map.bounds;
const SHRINK = Math.cos(((SOUTH + NORTH) / 2) * Math.PI / 180);
const project = ([lat, lon]) => [(lon - WEST) * SHRINK * 111320, (NORTH - lat) * 111320];

function decode(text) {
  const points = [];
  let at = 0, lat = 0, lon = 0;
  const next = () => {
    let shift = 0, value = 0, byte;
    do { byte = text.charCodeAt(at++) - 63; value |= (byte & 31) << shift; shift += 5; } while (byte >= 32);
    return value & 1 ? ~(value >> 1) : value >> 1;
  };
  while (at < text.length) { lat += next(); lon += next(); points.push(project([lat / 1e5, lon / 1e5])); }
  return points;
}
const draw = (points) => 'M' + points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L');

const map = $('map');
const layers = {};
const marks = [];   // things that keep their size on screen: [node, what]
let view;

function drawMap() {
  map.append(el('path', { d: DAY.map.area.map((r) => draw(decode(r)) + 'Z').join(''), fill: '#f7f4eb', stroke: '#a9b2a4', 'stroke-width': 1.2, 'fill-rule': 'evenodd', 'vector-effect': 'non-scaling-stroke' }));
  const roads = [['minor', '#e2ddd0', 1], ['middle', '#cfc7b4', 1.4], ['major', '#bcae93', 2.4]];
  for (const [name, stroke, width] of roads) {
    const d = (DAY.map.roads[name] || []).map((line) => draw(decode(line))).join('');
    map.append(el('path', { d, fill: 'none', stroke, 'stroke-width': width, 'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'vector-effect': 'non-scaling-stroke' }));
  }
  for (const name of ['trails', 'places', 'vehicles']) map.append(layers[name] = el('g'));
  for (const [lat, lon, name, kind] of DAY.map.stops) {
    const [x, y] = project([lat, lon]);
    const dot = el('circle', { cx: x, cy: y, fill: '#fff', stroke: '#4c5957' }, el('title', {}, name));
    layers.places.append(dot);
    marks.push([dot, { r: kind === 'stop' ? 2.4 : 3.6, line: 1.3 }]);
  }
  const labels = DAY.map.settlements.map(([lat, lon, name, people]) => {
    const [x, y] = project([lat, lon]);
    const text = el('text', { x, y, 'text-anchor': 'middle', fill: '#4c5957' }, name);
    layers.places.append(text);
    marks.push([text, { font: 11 }]);
    return { text, x, y, people, length: name.length };
  });
  layers.labels = labels.sort((a, b) => b.people - a.people);
  DAY.vehicles.forEach((vehicle, i) => {
    vehicle.legs.forEach((leg) => { leg.points = decode(leg.line); leg.d = draw(leg.points); leg.along = lengths(leg.points); });
    vehicle.trail = el('path', { fill: 'none', stroke: colour(i), 'stroke-width': 2.2, 'stroke-opacity': .45, 'stroke-linejoin': 'round', 'vector-effect': 'non-scaling-stroke' });
    vehicle.present = el('path', { fill: 'none', stroke: colour(i), 'stroke-width': 4, 'stroke-linejoin': 'round', 'stroke-linecap': 'round', 'vector-effect': 'non-scaling-stroke' });
    layers.trails.append(vehicle.trail, vehicle.present);
    vehicle.dot = el('circle', { r: 12, fill: colour(i), stroke: '#fff', 'stroke-width': 2.5 });
    vehicle.label = el('text', { fill: '#fff', 'text-anchor': 'middle', 'font-weight': 700, 'font-size': 13, y: 4.6, style: 'stroke:none' }, String(i + 1));
    vehicle.marker = el('g', {}, vehicle.dot, vehicle.label);
    layers.vehicles.append(vehicle.marker);
  });
}

function lengths(points) {
  let sum = 0;
  const along = [0];
  for (let i = 1; i < points.length; i++) along.push(sum += Math.hypot(points[i][0] - points[i - 1][0], points[i][1] - points[i - 1][1]));
  return along;
}

function show(box) {
  view = box;
  map.setAttribute('viewBox', `${box.x} ${box.y} ${box.w} ${box.h}`);
  const { clientWidth, clientHeight } = map;
  const unit = Math.max(box.w / (clientWidth || 360), box.h / (clientHeight || 400));
  for (const [node, size] of marks) {
    if (size.font) { node.setAttribute('font-size', size.font * unit); node.setAttribute('stroke-width', 3 * unit); }
    else { node.setAttribute('r', size.r * unit); node.setAttribute('stroke-width', size.line * unit); }
  }
  const taken = [];
  for (const label of layers.labels) {   // the larger settlement keeps its name where two would touch
    const half = label.length * 6.4 * unit, tall = 10 * unit;
    const touches = taken.some((o) => Math.abs(o.x - label.x) < o.half + half && Math.abs(o.y - label.y) < o.tall + tall);
    label.text.style.display = touches ? 'none' : '';
    if (!touches) taken.push({ x: label.x, y: label.y, half, tall });
  }
  view.unit = unit;
  drawVehicles();
}

function boxOf(points, margin = 0.06) {
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const x = Math.min(...xs), y = Math.min(...ys), width = Math.max(...xs) - x, height = Math.max(...ys) - y;
  const m = Math.max(width, height, 800) * margin;
  return { x: x - m, y: y - m, w: width + 2 * m, h: height + 2 * m };
}
const zoomBy = (f) => show({ x: view.x + view.w * (1 - f) / 2, y: view.y + view.h * (1 - f) / 2, w: view.w * f, h: view.h * f });

function drawZoom() {
  const buttons = [['zoomIn', '＋', () => zoomBy(0.66)], ['zoomOut', '－', () => zoomBy(1.5)]];
  DAY.map.views.forEach((box) => buttons.push([null, box.name[lang], () => show(boxOf(decode(box.corners)))]));
  $('zoom').replaceChildren(...buttons.map(([key, text, act]) => {
    const button = el('button', { type: 'button' }, text);
    if (key) button.setAttribute('aria-label', w(key));
    button.addEventListener('click', act);
    return button;
  }));
}

function dragMap() {
  let from = null;
  map.addEventListener('pointerdown', (e) => { from = { x: e.clientX, y: e.clientY, view }; map.setPointerCapture(e.pointerId); });
  map.addEventListener('pointermove', (e) => {
    if (!from) return;
    show({ ...from.view, x: from.view.x - (e.clientX - from.x) * from.view.unit, y: from.view.y - (e.clientY - from.y) * from.view.unit });
  });
  for (const end of ['pointerup', 'pointercancel']) map.addEventListener(end, () => { from = null; });
}

// ---- the moment ----
function legAt(vehicle, t) {
  let found = -1;
  vehicle.legs.forEach((leg, i) => { if (leg.from <= t) found = i; });
  return found;
}
function positionOn(leg, t) {
  const share = Math.min(1, Math.max(0, (t - leg.from) / Math.max(1, leg.to - leg.from)));
  const goal = share * leg.along[leg.along.length - 1];
  let i = 1;
  while (i < leg.along.length - 1 && leg.along[i] < goal) i++;
  if (leg.points.length < 2) return [leg.points[0], 0];
  const piece = leg.along[i] - leg.along[i - 1] || 1;
  const part = Math.min(1, (goal - leg.along[i - 1]) / piece);
  const [a, b] = [leg.points[i - 1], leg.points[i]];
  return [[a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part], i];
}

function drawVehicles() {
  DAY.vehicles.forEach((vehicle) => {
    const index = legAt(vehicle, now);
    const leg = vehicle.legs[index];
    let place = project(vehicle.home), reached = 0;
    if (leg) [place, reached] = positionOn(leg, now);
    const driving = leg && now < leg.to;
    vehicle.trail.setAttribute('d', vehicle.legs.slice(0, driving ? index : index + 1).map((l) => l.d).join(''));
    vehicle.present.setAttribute('d', driving ? draw([...leg.points.slice(0, Math.max(reached, 1)), place]) : '');
    vehicle.marker.setAttribute('transform', `translate(${place[0]} ${place[1]}) scale(${view ? view.unit : 1})`);
  });
}

const aboardAt = (i, t) => DAY.rides.filter((r) => r.parts.some(([car, from, to]) => car === i && from <= t && (to === null || t < to)));

function drawFleet() {
  $('fleet').replaceChildren(...DAY.vehicles.map((vehicle, i) => {
    const index = legAt(vehicle, now), leg = vehicle.legs[index];
    const down = vehicle.down !== null && now >= vehicle.down;
    let doing = w('atGarage');
    if (down) doing = w('brokenDown', { time: clock(vehicle.down) });
    else if (leg && now < leg.to) doing = w('drivingTo', { place: leg.name });
    else if (leg) doing = w('standingAt', { place: leg.name });
    const people = aboardAt(i, now).reduce((sum, ride) => sum + ride.passengers, 0);
    return el('li', { style: `--c:${colour(i)}` },
      el('h3', {}, el('span', { class: 'dot' }, String(i + 1)), vehicle.name), el('p', {}, doing),
      el('p', { class: 'aboard' }, people ? w('aboard', { n: people }) : w('empty')));
  }));
}

function setTime(t) {
  now = t;
  $('slider').value = t;
  $('slider').setAttribute('aria-valuetext', clock(t));
  $('now').textContent = clock(t);
  drawVehicles();
  drawFleet();
}

function play() {
  playing = !playing;
  $('play').textContent = w(playing ? 'pause' : 'play');
  if (playing && now >= DAY.ends) setTime(DAY.begins);
  let last = performance.now();
  const step = (stamp) => {
    if (!playing) return;
    setTime(Math.min(DAY.ends, now + (stamp - last) / 1000 * 240));
    last = stamp;
    if (now >= DAY.ends) { playing = false; $('play').textContent = w('play'); } else requestAnimationFrame(step);
  };
  if (playing) requestAnimationFrame(step);
}

// ---- the timeline ----
function lanesOf(bars) {
  const ends = [];
  return bars.map(({ from, to }) => {
    let lane = ends.findIndex((end) => end <= from);
    if (lane < 0) lane = ends.push(0) - 1;
    ends[lane] = to;
    return lane;
  });
}
// Each time a party is in a vehicle is a bar; after a breakdown one ride has two.
const barsOf = (i) => DAY.rides
  .flatMap((ride) => ride.parts.map(([car, from, to]) => ({ ride, car, from, to: to ?? DAY.ends })))
  .filter((bar) => bar.car === i)
  .sort((a, b) => a.from - b.from);

function drawTimeline() {
  const width = 1140, left = 110, laneHeight = 24;
  const x = (t) => left + (t - DAY.begins) / (DAY.ends - DAY.begins) * (width - left - 16);
  const svg = el('svg', { role: 'img', 'aria-label': w('timeline') });
  let y = 34;
  const rows = el('g');
  DAY.vehicles.forEach((vehicle, i) => {
    const bars = barsOf(i);
    const lanes = lanesOf(bars);
    const tall = (Math.max(0, ...lanes) + 1) * laneHeight + 22;
    rows.append(el('text', { x: 12, y: y + 20, fill: colour(i), 'font-weight': 700, 'font-size': 14 }, vehicle.name));
    vehicle.legs.forEach((leg) => rows.append(el('line', { x1: x(leg.from), x2: x(leg.to), y1: y + 7, y2: y + 7, stroke: colour(i), 'stroke-width': 3, 'stroke-opacity': .55 })));
    vehicle.breaks.forEach(([from, to]) => rows.append(el('rect', { x: x(from), y: y + 2, width: Math.max(2, x(to) - x(from)), height: 10, rx: 3, fill: '#dfe3dc', stroke: '#6b756f' }, el('title', {}, w('rest')))));
    bars.forEach(({ ride, from, to }, k) => {
      const top = y + 16 + lanes[k] * laneHeight;
      const wide = Math.max(4, x(to) - x(from));
      const bar = el('g', {}, el('title', {}, rideSentence(ride)),
        el('line', { x1: x(ride.earliest), x2: x(ride.latest), y1: top + 20, y2: top + 20, stroke: '#4c5957', 'stroke-width': 2 }),
        el('line', { x1: x(ride.due), x2: x(ride.due), y1: top + 15, y2: top + 21, stroke: '#4c5957', 'stroke-width': 2 }),
        el('rect', { x: x(from), y: top, width: wide, height: 16, rx: 4, fill: colour(i), 'fill-opacity': ride.state === 'completed' ? 1 : .35, stroke: ride.late ? '#9a3412' : 'none', 'stroke-width': 3 }));
      if (wide > 18) bar.append(el('text', { x: x(from) + wide / 2, y: top + 12.4, 'text-anchor': 'middle', 'font-size': 11.5, fill: '#fff', 'font-weight': 700 }, String(ride.n)));
      rows.append(bar);
    });
    if (vehicle.down !== null) rows.append(el('text', { x: x(vehicle.down), y: y + 12, 'font-size': 14, fill: '#9a3412', 'font-weight': 700 }, '✕ ' + w('down')));
    y += tall + 8;
    rows.append(el('line', { x1: 0, x2: width, y1: y - 6, y2: y - 6, stroke: '#dcd9cf' }));
  });
  const grid = el('g');
  for (let t = Math.ceil(DAY.begins / 3600) * 3600; t <= DAY.ends; t += 3600) {
    grid.append(el('line', { x1: x(t), x2: x(t), y1: 26, y2: y - 6, stroke: '#ebe8df' }), el('text', { x: x(t), y: 19, 'font-size': 13, fill: '#4c5957', 'text-anchor': 'middle' }, clock(t)));
  }
  svg.setAttribute('viewBox', `0 0 ${width} ${y}`);
  svg.append(grid, rows);
  $('timeline').replaceChildren(svg);
}

// ---- the lists ----
const rideSentence = (r) => `${r.n}: ${r.from} → ${r.to}, ${clock(r.picked)}–${clock(r.arrived)}`;

function drawFigures() {
  $('figures').replaceChildren(...DAY.figures.map((figure) => {
    const dd = el('dd', {}, String(figure.value));
    if (figure.unit[lang]) dd.append(' ', el('small', {}, figure.unit[lang]));
    return el('div', { class: figure.mood || '' }, el('dt', {}, figure.name[lang]), dd);
  }));
}

function drawHappenings() {
  $('happenings').replaceChildren(...DAY.happenings.map((h) =>
    el('li', { class: h.alert ? 'alert' : '' }, el('time', {}, clock(h.at)), el('span', {}, h.text[lang]))));
  if (!DAY.happenings.length) $('happenings').append(el('li', {}, el('time', {}, ''), el('span', {}, w('quiet'))));
}

function drawRefusals() {
  if (!DAY.refusals.length) { $('refusals').replaceChildren(el('p', { class: 'calm' }, w('noRefusal'))); return; }
  $('refusals').replaceChildren(...DAY.refusals.map((r) => el('div', { class: 'refusal' },
    el('p', {}, el('strong', {}, r.asked[lang]), ` ${r.from} → ${r.to} ${r.passengers > 1 ? w('people', { n: r.passengers }) : ''}（${r.wished[lang]}）`),
    el('p', { class: 'why' }, r.why[lang], r.instead.length ? ' ' + w('instead', { times: r.instead.join(lang === 'ja' ? '、' : ', ') }) : ''),
    el('p', {}, r.then[lang]))));
}

function drawRides() {
  const columns = ['ride', 'way', 'asked', 'promised', 'pickedUp', 'arrivedAt', 'vehicle', 'outcome'];
  $('rides-cols').replaceChildren(...columns.map((c) => el('th', { scope: 'col' }, w(c))));
  $('rides').replaceChildren(...DAY.rides.map((r) => {
    const cells = [
      el('span', { class: 'num' }, String(r.n)),
      el('span', {}, `${r.from} → ${r.to}`, r.passengers > 1 ? el('small', {}, w('people', { n: r.passengers })) : null),
      el('span', {}, r.asked[lang], el('small', {}, r.channel[lang])),
      el('span', {}, `${clock(r.earliest)}–${clock(r.latest)}`, el('small', {}, w('by', { time: clock(r.due) }))),
      el('span', {}, clock(r.picked)),
      el('span', {}, clock(r.arrived)),
      r.vehicle === null ? el('span', {}, '–') : el('span', {}, el('span', { class: 'badge', style: `--c:${colour(r.vehicle)}` }, `${r.vehicle + 1}`)),
      el('span', r.late ? { class: 'late' } : {}, r.outcome[lang], r.why[lang] ? el('small', {}, r.why[lang]) : null),
    ];
    return el('tr', {}, ...cells.map((cell, i) => el('td', { 'data-label': w(columns[i]) }, cell)));
  }));
}

function speak(language) {
  lang = language;
  document.documentElement.lang = lang;
  document.title = DAY.title[lang];
  $('title').textContent = DAY.title[lang];
  $('lead').textContent = DAY.lead[lang];
  $('credit').textContent = DAY.credit[lang];
  $('assumptions').textContent = DAY.assumptions[lang];
  map.setAttribute('aria-label', w('mapLabel'));
  document.querySelectorAll('[data-w]').forEach((node) => { node.textContent = w(node.dataset.w); });
  document.querySelectorAll('[data-lang]').forEach((node) => node.setAttribute('aria-pressed', node.dataset.lang === lang));
  $('play').textContent = w(playing ? 'pause' : 'play');
  drawZoom(); drawFigures(); drawTimeline(); drawHappenings(); drawRefusals(); drawRides(); drawFleet();
}

drawMap();
const slider = $('slider');
slider.min = DAY.begins; slider.max = DAY.ends;
slider.addEventListener('input', () => setTime(Number(slider.value)));
$('play').addEventListener('click', play);
document.querySelectorAll('[data-lang]').forEach((node) => node.addEventListener('click', () => speak(node.dataset.lang)));
speak(lang);
show(boxOf(decode(DAY.map.views[0].corners)));
dragMap();
setTime(DAY.shows);
window.addEventListener('resize', () => show(view));
