import type { Activity, HistoryPoint } from "../api/contract";
import { duration, moment, number, t, tick } from "../language";
import { useChart, type Draw } from "../parts/chart";

interface Props {
  history: Activity;
  wholeDays: boolean;
}

interface Series {
  label: string;
  /** A colour of the style sheet. */
  colour: string;
  value: (point: HistoryPoint) => number | null;
}

export function RowsChart(props: Props) {
  const series: Series[] = [
    { label: t("activity.exported"), colour: "chart-good", value: (point) => point.exported },
    { label: t("activity.rejected"), colour: "chart-bad", value: (point) => point.rejected },
  ];
  return <Figure {...props} kind="bar" id="rows" title={t("activity.rows")} series={series} say={number} />;
}

export function ApiCallsChart(props: Props) {
  const series = [{ label: t("activity.calls"), colour: "chart-calls", value: (point: HistoryPoint) => point.api_calls }];
  return <Figure {...props} kind="bar" id="calls" title={t("activity.calls")} series={series} say={number} />;
}

export function AgeChart(props: Props) {
  const series = [{ label: t("activity.age"), colour: "chart-age", value: (point: HistoryPoint) => point.oldest_age_seconds }];
  const oldest = Math.max(...props.history.points.map((point) => point.oldest_age_seconds ?? 0));
  const step = STEPS_SECONDS.find((seconds) => oldest / seconds <= MOST_STEPS) ?? oldest / MOST_STEPS;
  const say = (seconds: number): string => (seconds ? duration(seconds) : "0");
  return <Figure {...props} kind="line" id="age" title={t("activity.age")} series={series} say={say} step={step} />;
}

const MOST_STEPS = 5;
/** Ages read well at whole minutes, hours and days. */
const STEPS_SECONDS = [60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800];

interface FigureProps extends Props {
  kind: "bar" | "line";
  id: string;
  title: string;
  series: Series[];
  say: (value: number) => string;
  step?: number;
}

/** A chart, its legend, and the same numbers as a table for screen readers. */
function Figure(props: FigureProps) {
  const { id, title, series, history, say } = props;
  const canvas = useChart(draw(props), JSON.stringify(history.points));
  return (
    <section class="card chart" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {series.length > 1 && (
        <ul class="legend">{series.map((one) => <li key={one.label} class={one.colour}>{one.label}</li>)}</ul>
      )}
      <div class="canvas"><canvas ref={canvas} role="img" aria-label={title} aria-describedby={`${id}-numbers`} /></div>
      <details id={`${id}-numbers`}>
        <summary>{t("activity.numbers")}</summary>
        <table>
          <thead><tr><th scope="col">{t("activity.time")}</th>{series.map((one) => <th key={one.label} scope="col" class="figure">{one.label}</th>)}</tr></thead>
          <tbody>
            {history.points.filter((point) => series.some((one) => one.value(point))).map((point) => (
              <tr key={point.at}>
                <th scope="row">{moment(point.at)}</th>
                {series.map((one) => <td key={one.label} class="figure">{say(one.value(point) ?? 0)}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}

const draw = ({ kind, series, history, say, step, wholeDays }: FigureProps): Draw => (colour) => ({
  type: kind,
  data: {
    labels: history.points.map((point) => tick(point.at, wholeDays)),
    datasets: series.map((one) => ({
      label: one.label,
      data: history.points.map(one.value),
      backgroundColor: colour(one.colour),
      borderColor: colour(one.colour),
      borderWidth: kind === "line" ? 2 : 0,
      pointRadius: history.points.filter((point) => one.value(point) !== null).length > 1 ? 0 : 3, // one alone draws no line
      stepped: kind === "line" ? ("after" as const) : false,
      spanGaps: true,
    })),
  },
  options: {
    interaction: { mode: "index", intersect: false },
    scales: {
      x: { stacked: true, grid: { display: false }, ticks: { color: colour("muted"), maxTicksLimit: 8, maxRotation: 0 } },
      y: {
        stacked: kind === "bar",
        beginAtZero: true,
        grid: { color: colour("line") },
        border: { display: false },
        ticks: { color: colour("muted"), ...(step ? { stepSize: step } : { maxTicksLimit: 5 }), callback: (value) => say(Number(value)) },
      },
    },
    plugins: {
      tooltip: {
        callbacks: {
          title: ([first]) => moment(history.points[first?.dataIndex ?? 0]?.at ?? ""),
          label: (item) => `${item.dataset.label}: ${say(item.parsed.y ?? 0)}`,
        },
      },
    },
  },
});
