import type { RunPoint } from "../api/contract";
import { moment, number, t } from "../language";
import { useChart, type Draw } from "./chart";

interface Props {
  runs: RunPoint[];
  stream: string;
  large?: boolean;
}

const RUNS_SHOWN = 30;

/** The rows of a stream's last runs as small bars, the rejected ones on top. */
export function RunBars({ runs, stream, large }: Props) {
  const drawn = JSON.stringify(runs);
  const canvas = useChart(drawRuns([...Array<null>(Math.max(0, RUNS_SHOWN - runs.length)).fill(null), ...runs], Boolean(large)), drawn);
  if (!runs.length) return <>–</>;
  const accepted = runs.reduce((sum, run) => sum + run.accepted, 0);
  const rejected = runs.reduce((sum, run) => sum + run.rejected, 0);
  const label = t("streams.runs_label", { stream, count: runs.length, accepted: number(accepted), rejected: number(rejected) });
  return <div class={large ? "spark large" : "spark"}><canvas ref={canvas} role="img" aria-label={label} /></div>;
}

const drawRuns = (runs: (RunPoint | null)[], large: boolean): Draw => (colour) => ({
  type: "bar",
  data: {
    labels: runs.map((run) => (run ? moment(run.at) : "")),
    datasets: [
      { label: t("streams.accepted"), data: runs.map((run) => run && run.accepted), backgroundColor: colour("chart-good"), minBarLength: 1 },
      { label: t("streams.rejected"), data: runs.map((run) => run?.rejected || null), backgroundColor: colour("chart-bad"), minBarLength: 3 },
    ],
  },
  options: {
    datasets: { bar: { maxBarThickness: large ? 14 : 6, categoryPercentage: 0.9, barPercentage: 0.9 } },
    scales: { x: { stacked: true, display: false }, y: { stacked: true, display: false, beginAtZero: true } },
    plugins: { tooltip: { enabled: large } },
  },
});
