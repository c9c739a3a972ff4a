import { cleanup, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import Figures from '../src/live/Figures.svelte';
import Requests from '../src/live/Requests.svelte';
import Timeline from '../src/live/Timeline.svelte';
import { momentOf } from '../src/shared/time';
import { speech } from '../src/words/words.svelte';
import { aCall, aReading, aRide, at, aVehicle } from './readings';

beforeEach(() => speech.use('ja'));
afterEach(cleanup);

describe('the requests', () => {
  test('are drawn as none while nobody has asked', () => {
    render(Requests, { reading: aReading() });
    expect(screen.getByText('まだ予約の申しこみはありません')).toBeTruthy();
  });

  test('each says its state by word, its way, and one sentence', () => {
    render(Requests, { reading: aReading({ requests: [aRide({ passengers: 2 })] }) });
    const [item] = screen.getAllByRole('listitem');
    expect(item?.textContent).toContain('予約');
    expect(item?.textContent).toContain('寺町 → 病院');
    expect(item?.textContent).toContain('2人');
    expect(item?.textContent).toContain('1号車が10:05〜10:20に迎えに行きます。');
  });

  test('are all shown, though two were refused at the same moment', () => {
    const refused = aRide({ id: 'pickup_window@10:00', state: 'refused' });
    render(Requests, { reading: aReading({ requests: [refused, { ...refused }] }) });
    expect(screen.getAllByRole('listitem')).toHaveLength(2);
  });

  test('of an earlier day do not pretend to a time of today', () => {
    const ride = aRide({ asked_at: '2026-06-08T12:33:00+09:00' });
    render(Requests, { reading: aReading({ requests: [ride] }) });
    expect(screen.getByText(/前日まで/)).toBeTruthy();
  });
});

describe('the timeline', () => {
  const calls = [
    aCall(),
    aCall({ kind: 'dropoff', starts_at: at('10:30'), ends_at: at('10:31'), verdict: 'late' }),
  ];
  const props = (): object => ({
    reading: aReading({ vehicles: [aVehicle({ calls })] }),
    now: momentOf(at('10:00')),
    picked: null,
    onpick: () => undefined,
  });

  test('says each mark in words, late ones too', () => {
    render(Timeline, props() as never);
    expect(screen.getByRole('button', { name: /10:10 病院で迎え.*間に合います/ })).toBeTruthy();
    expect(screen.getByRole('button', { name: /10:30 病院で送り.*約束に遅れます/ })).toBeTruthy();
  });

  test('is one stop of the tab key a vehicle, and arrows go on from there', async () => {
    render(Timeline, props() as never);
    const [first, second] = ['迎え', '送り'].map((kind) =>
      screen.getByRole('button', { name: new RegExp(`病院で${kind}`) }),
    ) as [HTMLElement, HTMLElement];
    expect([first.tabIndex, second.tabIndex]).toEqual([0, -1]);
    first.focus();
    first.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
    expect(document.activeElement).toBe(second);
    expect((await screen.findAllByText(/10:30 病院で送り/)).length).toBeGreaterThan(0);
  });
});

describe('the figures', () => {
  test('are said with their words, in the language that is spoken', async () => {
    const reading = aReading();
    const figures = { ...reading.figures, booked: 31, mean_wait_seconds: 90, promises_late: 1 };
    render(Figures, { reading: { ...reading, figures } });
    expect(screen.getByText('予約').nextElementSibling?.textContent).toContain('31');
    expect(screen.getByText('守った約束').nextElementSibling?.textContent).toContain('0/1');
    speech.use('en');
    expect((await screen.findByText('Mean wait')).nextElementSibling?.textContent).toContain('1.5');
  });
});
