// Keys for a list whose own might repeat: a page must not break over that.
// See: docs/web.md

/** Each item with its key; one that repeats is counted. */
export function keyed<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): [key: string, item: Item][] {
  const met = new Map<string, number>();
  return items.map((item) => {
    const key = keyOf(item);
    const times = (met.get(key) ?? 0) + 1;
    met.set(key, times);
    return [times === 1 ? key : `${key} #${times}`, item];
  });
}
