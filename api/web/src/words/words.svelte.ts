// The language that the pages speak now: Japanese until somebody asks for another.
// See: docs/web.md

import { recall, remember } from '../shared/kept';
import { en } from './en';
import { ja, type Words } from './ja';

export const LANGUAGES = { ja, en } as const;
export type Language = keyof typeof LANGUAGES;

function isLanguage(name: string | null): name is Language {
  return name !== null && name in LANGUAGES;
}

class Speech {
  #language = $state<Language>('ja');

  constructor() {
    const recalled = recall('language');
    this.use(isLanguage(recalled) ? recalled : 'ja');
  }

  get language(): Language {
    return this.#language;
  }

  get words(): Words {
    return LANGUAGES[this.#language];
  }

  use(language: Language): void {
    this.#language = language;
    document.documentElement.lang = language;
    remember('language', language);
  }
}

export const speech = new Speech();
