// Chart.js with only the parts that the page draws, in the page's colours.
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
  type ChartConfiguration,
} from "chart.js";
import { useEffect, useRef } from "preact/hooks";
import { useTheme } from "../theme";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, LineController, LineElement, PointElement, Tooltip);
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = 'Inter, -apple-system, BlinkMacSystemFont, "Segoe UI", Helvetica, Arial, sans-serif';

export type Draw = (colour: (name: string) => string) => ChartConfiguration<"bar" | "line", (number | null)[], string>;

/** Return a reference for a canvas on which `draw` is drawn, again whenever `drawn` or the theme changes. */
export function useChart(draw: Draw, drawn: unknown) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  useEffect(() => {
    if (!canvas.current) return undefined;
    const style = getComputedStyle(document.documentElement);
    const chart = new Chart(canvas.current, draw((name) => style.getPropertyValue(`--${name}`).trim()));
    return () => chart.destroy();
  }, [drawn, theme]);
  return canvas;
}
