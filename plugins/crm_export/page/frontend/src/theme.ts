// Light or dark: Airflow's setting if its window is accessible, else the system's.
import { useEffect, useState } from "preact/hooks";
import { airflowWindow } from "./airflow";

export type Theme = "light" | "dark";

const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function current(): Theme {
  const classes = airflowWindow()?.document.documentElement.classList;
  if (classes?.contains("dark")) return "dark";
  if (classes?.contains("light")) return "light";
  return system.matches ? "dark" : "light";
}

function apply(): void {
  document.documentElement.dataset["theme"] = current();
  listeners.forEach((listener) => listener());
}

/** Follow the theme from now on. */
export function followTheme(): void {
  apply();
  system.addEventListener("change", apply);
  const airflow = airflowWindow();
  if (airflow) new MutationObserver(apply).observe(airflow.document.documentElement, { attributeFilter: ["class"] });
}

export function useTheme(): Theme {
  const [theme, setTheme] = useState(current);
  useEffect(() => {
    const follow = (): void => setTheme(current());
    listeners.add(follow);
    return () => void listeners.delete(follow);
  }, []);
  return theme;
}
