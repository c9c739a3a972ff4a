// Light or dark: as the system says until somebody says otherwise.
// See: docs/web.md

import { recall, remember } from './kept';

class Theme {
  #system = matchMedia('(prefers-color-scheme: dark)');
  #asked = $state<string | null>(recall('theme'));
  #systemDark = $state(this.#system.matches);

  constructor() {
    this.#system.addEventListener('change', (event) => (this.#systemDark = event.matches));
    this.#show();
  }

  get dark(): boolean {
    return this.#asked === null ? this.#systemDark : this.#asked === 'dark';
  }

  switch(): void {
    this.#asked = this.dark ? 'light' : 'dark';
    remember('theme', this.#asked);
    this.#show();
  }

  #show(): void {
    if (this.#asked !== null) document.documentElement.dataset.theme = this.#asked;
  }
}

export const theme = new Theme();
