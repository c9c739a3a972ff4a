import { describe, expect, test } from 'vitest';
import { callInWords, rideInWords, shortName } from '../src/live/sayings';
import { en } from '../src/words/en';
import { ja } from '../src/words/ja';
import { aCall, at, aReading, aRide } from './readings';

/** Every key, with the keys of what stands under it. */
function keysOf(words: object, before = ''): string[] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === 'object' && !Array.isArray(value)
      ? keysOf(value as object, `${before}${key}.`)
      : [before + key],
  );
}

describe('the catalogues', () => {
  test('have the same keys, down to the last', () => {
    expect(keysOf(en).sort()).toEqual(keysOf(ja).sort());
  });

  test('leave no word empty in Japanese', () => {
    const empty = keysOf(ja).filter((key) => (ja as Record<string, unknown>)[key] === '');
    expect(empty).toEqual([]);
  });
});

describe('a ride in words', () => {
  test('says who comes when', () => {
    expect(rideInWords(aRide(), aReading(), ja)).toBe('1号車が10:05〜10:20に迎えに行きます。');
    expect(rideInWords(aRide(), aReading(), en)).toBe('1号車 picks up between 10:05 and 10:20.');
  });

  test('says by how much it will be late', () => {
    const late = rideInWords(aRide({ late_seconds: 61 }), aReading(), ja);
    expect(late).toContain('2分ほど遅れる');
  });

  test('gives the service’s own reason for a refusal', () => {
    const refusal = { code: 'seats', message: '席がありません。' };
    expect(rideInWords(aRide({ state: 'refused', refusal }), aReading(), ja)).toBe('席がありません。');
  });

  test.each(['cancelled', 'no_show', 'expired', 'released', 'broken', 'offered', 'completed'] as const)(
    'has a sentence for %s in both languages',
    (state) => {
      const ride = aRide({ state });
      expect(rideInWords(ride, aReading(), ja)).not.toBe('');
      expect(rideInWords(ride, aReading(), en)).not.toBe('');
    },
  );
});

describe('a call in words', () => {
  test('names time, place, promise and how it stands', () => {
    expect(callInWords(aCall(), false, 'Asia/Tokyo', ja)).toBe(
      '10:10 病院で迎え、約束は10:05〜10:20、間に合います',
    );
    const late = aCall({ kind: 'dropoff', promised_earliest: null, verdict: 'late' });
    expect(callInWords(late, true, 'Asia/Tokyo', en)).toBe(
      '10:10 Drop-off at 病院 (done), promised by 10:20, later than promised',
    );
  });

  test('of a break says from when to when', () => {
    const rest = aCall({ kind: 'break', place: null, ends_at: at('10:55') });
    expect(callInWords(rest, false, 'Asia/Tokyo', ja)).toBe('10:10〜10:55 休憩');
  });
});

test('a vehicle’s short name leaves out what stands in brackets', () => {
  expect(shortName('1号車（ワゴン）')).toBe('1号車');
  expect(shortName('（ワゴン）')).toBe('（ワゴン）');
});
