// The page's texts, numbers, dates and ages in the language of Airflow's UI: English or Brazilian Portuguese.
import i18next from "i18next";
import { timeZone } from "../airflow";
import catalogue from "./catalogue.pt-BR.json";
import en from "./en.json";
import pt from "./pt-BR.json";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "page";
    resources: { page: typeof en };
  }
}

const portuguese: typeof en = pt; // does not compile while a text is missing
const LANGUAGE = "i18nextLng"; // where Airflow's UI keeps the selected language
const spoken = navigator.languages.filter((each) => /^(en|pt)\b/i.test(each));
const chosen = readChosen();
const preferred = spoken.find((each) => !chosen || each.slice(0, 2) === chosen.slice(0, 2)) ?? chosen ?? "en-US";
const inPortuguese = preferred.toLowerCase().startsWith("pt");

/** The language of the page's texts, and of those that the server writes. */
export const language = inPortuguese ? "pt-BR" : "en";

/** The locale of numbers and dates: the user's variant of English, or Brazilian Portuguese. */
export const locale = inPortuguese ? "pt-BR" : preferred;

void i18next.init({
  lng: language,
  fallbackLng: "en",
  initAsync: false,
  defaultNS: "page",
  resources: { en: { page: en }, "pt-BR": { page: withMany(portuguese) } },
  interpolation: { escapeValue: false }, // Preact writes text, never markup
});
document.documentElement.lang = i18next.language;

export const t = i18next.t;

window.addEventListener("storage", ({ key, oldValue, newValue }) => {
  if (key === LANGUAGE && oldValue !== newValue) location.reload();
});

/** Return the language of Airflow's UI if the page has it, else English; null before one was selected. */
function readChosen(): string | null {
  const found = localStorage.getItem(LANGUAGE);
  if (!found) return null;
  return /^(en|pt)\b/i.test(found) ? found : "en-US";
}

/** Portuguese has a plural form of its own for whole millions ("1 milhão de linhas"); the texts do not use it. */
function withMany<T extends object>(texts: T): T {
  const entries = Object.entries(texts).flatMap(([key, value]: [string, unknown]): [string, unknown][] => {
    if (typeof value === "object" && value !== null) return [[key, withMany(value)]];
    return key.endsWith("_other") ? [[key, value], [key.replace(/_other$/, "_many"), value]] : [[key, value]];
  });
  return Object.fromEntries(entries) as T;
}

/** Return the catalogue's advice in the user's language, or in English if it has no translation. */
export function advice(text: string): string {
  return (inPortuguese && (catalogue as Record<string, string>)[text]) || text;
}

export function number(value: number): string {
  return numbers.format(value);
}

/** Return a count that may have been cut off: "10,000+". */
export function capped(value: number, isCapped: boolean): string {
  return isCapped ? `${number(value)}+` : number(value);
}

const MOMENT = { dateStyle: "medium", timeStyle: "short" } as const;
const EXACTLY = { dateStyle: "full", timeStyle: "long" } as const;
const DAY = { day: "numeric", month: "short" } as const;
const TIME = { hour: "2-digit", minute: "2-digit" } as const;

export function moment(at: string): string {
  return format(at, MOMENT);
}

/** Return a moment for the axis of a chart: the time within a day, else the day. */
export function tick(at: string, wholeDays: boolean): string {
  return format(at, wholeDays ? DAY : TIME);
}

export function exactly(at: string): string {
  return format(at, EXACTLY);
}

const zone = timeZone();
const dates = new Map<Intl.DateTimeFormatOptions, Intl.DateTimeFormat>();
const numbers = new Intl.NumberFormat(locale);
const ages = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });

/** Formatters are slow to create and fast to use, and a long list needs thousands of formatted dates. */
function format(at: string, how: Intl.DateTimeFormatOptions): string {
  const made = dates.get(how) ?? new Intl.DateTimeFormat(locale, zone ? { ...how, timeZone: zone } : how);
  dates.set(how, made);
  return made.format(new Date(at));
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** Return "3 hr. ago". */
export function ago(at: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ["second", 1];
  return unit === "second" && seconds < 60 ? t("just_now") : ages.format(-Math.floor(seconds / size), unit);
}

/** Return "3 hr 20 min": at most two units. */
export function duration(seconds: number): string {
  if (seconds < 60) return t("under_a_minute");
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount) parts.push(new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(amount));
  }
  return new Intl.ListFormat(locale, { style: "narrow", type: "unit" }).format(parts);
}

/** Return "a, b and c". */
export function list(words: readonly string[]): string {
  return new Intl.ListFormat(locale, { style: "long", type: "conjunction" }).format(words);
}
