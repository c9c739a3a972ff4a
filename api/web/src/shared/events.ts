// Reads server-sent events out of text that may be cut anywhere.
// See: https://html.spec.whatwg.org/multipage/server-sent-events.html

export interface StreamEvent {
  id: string;
  event: string;
  data: string;
}

export class EventParser {
  /** The last id seen, with which a broken stream is resumed. */
  lastId = '';
  /** How long the server asks to wait before the next try. */
  retryMilliseconds: number | null = null;
  #rest = '';
  #event = '';
  #data: string[] = [];

  /** The events that this piece of text completes. */
  push(text: string): StreamEvent[] {
    const whole = this.#rest + text;
    // A carriage return at the very end may be half of a line's end.
    const end = whole.endsWith('\r') ? whole.length - 1 : whole.length;
    const lines = whole.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? '') + whole.slice(end);
    return lines.flatMap((line) => this.#take(line));
  }

  #take(line: string): StreamEvent[] {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return [];
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.lastId = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMilliseconds = Number(value);
    return [];
  }

  #dispatch(): StreamEvent[] {
    const data = this.#data;
    const event = this.#event || 'message';
    this.#data = [];
    this.#event = '';
    return data.length === 0 ? [] : [{ id: this.lastId, event, data: data.join('\n') }];
  }
}
