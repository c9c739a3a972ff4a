import { describe, expect, test } from 'vitest';
import { EventParser, type StreamEvent } from '../src/shared/events';

const TEXT =
  ': here\r\nretry: 1500\r\n\r\nid: 7\nevent: confirmed\ndata: {"a":1}\n\n' +
  ': ping\n\nid: 8\rdata: one\rdata:two\r\rdata: no name\n\nevent: lonely\n\n';
const EVENTS: StreamEvent[] = [
  { id: '7', event: 'confirmed', data: '{"a":1}' },
  { id: '8', event: 'message', data: 'one\ntwo' },
  { id: '8', event: 'message', data: 'no name' },
];

describe('the parser of server-sent events', () => {
  test.each(Array.from({ length: TEXT.length + 1 }, (_, cut) => cut))(
    'reads the same events when the text is cut after %i letters',
    (cut) => {
      const parser = new EventParser();
      const read = [...parser.push(TEXT.slice(0, cut)), ...parser.push(TEXT.slice(cut))];
      expect(read).toEqual(EVENTS);
    },
  );

  test('reads letter by letter', () => {
    const parser = new EventParser();
    expect([...TEXT].flatMap((letter) => parser.push(letter))).toEqual(EVENTS);
  });

  test('remembers the last id and how long to wait', () => {
    const parser = new EventParser();
    parser.push(TEXT);
    expect(parser.lastId).toBe('8');
    expect(parser.retryMilliseconds).toBe(1500);
  });

  test('does not give out an event that is not complete', () => {
    expect(new EventParser().push('id: 9\ndata: half\n')).toEqual([]);
  });

  test('passes over comments, unknown fields and a wait that is no number', () => {
    const parser = new EventParser();
    expect(parser.push(':x\nfoo: bar\nretry: soon\nid: a\0b\n\n')).toEqual([]);
    expect(parser.retryMilliseconds).toBeNull();
    expect(parser.lastId).toBe('');
  });
});
