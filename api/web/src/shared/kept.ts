// What a browser remembers: small settings for good, the token for as long as the tab is open.
// See: docs/decisions/0082-a-token-in-the-fragment.md

const TOKEN = 'noriai.token';

/** A browser may forbid its memory; the page works without. */
function trying<Result>(act: () => Result): Result | null {
  try {
    return act();
  } catch {
    return null;
  }
}

export function recall(name: string): string | null {
  return trying(() => localStorage.getItem(`noriai.${name}`));
}

export function remember(name: string, value: string): void {
  trying(() => localStorage.setItem(`noriai.${name}`, value));
}

/** The token that came in the address, or the one of this tab; out of the address at once. */
export function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return trying(() => sessionStorage.getItem(TOKEN));
  history.replaceState(null, '', location.pathname + location.search);
  keepToken(given);
  return given;
}

export function keepToken(token: string): void {
  trying(() => sessionStorage.setItem(TOKEN, token));
}

export function dropToken(): void {
  trying(() => sessionStorage.removeItem(TOKEN));
}
