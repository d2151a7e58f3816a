// The JSON of the page's API, as the server sends it.

export type ErrorCode =
  | "not_signed_in"
  | "forbidden"
  | "cross_site"
  | "not_found"
  | "wrong_method"
  | "export_off"
  | "overridden"
  | "acknowledgement_missing"
  | "dag_paused"
  | "already_requested"
  | "nothing_selected"
  | "too_many"
  | "busy"
  | "too_large"
  | "not_json"
  | "invalid"
  | "not_installed"
  | "database_down"
  | "failed";

/** ISO 8601, UTC. */
export type Instant = string;

export interface Session {
  user: string;
  may: { change_settings: boolean; act: boolean; see_values: boolean };
  dags: { dag_id: string; exists: boolean; paused: boolean }[];
  export_to_crm: boolean;
  now: Instant;
}

export interface Settings {
  export_to_crm: boolean;
  problems: Problem[];
  pause_on_export_errors: Setting<boolean> | null;
  crm_export_batch_size: Setting<number> | null;
  daily_crm_api_limit: Setting<number> | null;
  history_available: boolean;
}

export type SettingKey = "pause_on_export_errors" | "crm_export_batch_size" | "daily_crm_api_limit";

export interface Setting<T> {
  key: SettingKey;
  value: T;
  source: "default" | "variable" | "environment" | "secrets_backend";
  changeable: boolean;
  locked_by: string | null;
  last_change: { actor: string; at: Instant; to_value: string } | null;
  changed_elsewhere: boolean;
  last_seen: { value: T; at: Instant; stream: string } | null;
}

export interface Problem {
  key: string;
  code: "malformed" | "unreadable";
  shown: string;
  used: string;
  message: string;
}

export interface Acknowledgement {
  refused_now: number;
  holds: { stream: string; error_id: number; record_key: string; rows_waiting: number | null; capped: boolean }[];
}

export type ErrorStatus = "open" | "waiting" | "set_aside" | "ignored" | "resolved";
export type ErrorClass =
  | "transient"
  | "admin"
  | "data"
  | "parent"
  | "duplicate"
  | "gone"
  | "structural"
  | "run-level"
  | "unknown";

export interface Streams {
  at: Instant;
  streams: StreamState[];
  summary: {
    held: number;
    refused: number;
    waiting_rows: number;
    waiting_rows_capped: boolean;
    oldest_age_seconds: number | null;
    broken: number;
  };
}

export interface StreamState {
  name: string;
  object: string | null;
  source: string | null;
  operation: "upsert" | "update" | null;
  broken: string | null;
  parents: string[];
  children: string[];
  watermark: { changed_at: Instant; record_key: string } | null;
  rows_waiting: number | null;
  rows_waiting_capped: boolean;
  oldest_age_seconds: number | null;
  problem: string | null;
  held: Held | null;
  errors: { open: number; waiting: number; set_aside: number; ignored: number };
  running: boolean;
  last_run: Run | null;
  recent_runs: RunPoint[];
}

export interface Held {
  since: Instant | null;
  error_id: number;
  record_key: string;
  status: ErrorStatus;
  code: string;
  name: string;
  error_class: ErrorClass;
  message: string;
  fields: string[];
  advice: string;
  attempts: number;
  parent: { error_id: number; stream: string; record_key: string } | null;
  rows_behind: number | null;
  rows_behind_capped: boolean;
}

export interface Run {
  kind: string;
  dag_id: string;
  run_id: string;
  started_at: Instant;
  ended_at: Instant | null;
  outcome: string;
  message: string | null;
  rows_changed: number;
  rows_sent: number;
  accepted: number;
  refused: number;
  api_calls: number;
  paused_on_errors: boolean;
  airflow_path: string;
}

export interface RunPoint {
  at: Instant;
  accepted: number;
  refused: number;
  outcome: string;
}

export interface Causes {
  causes: Cause[];
  more: boolean;
}

export interface Cause {
  cause: string;
  object: string;
  code: string;
  name: string;
  error_class: ErrorClass;
  fields: string[];
  message: string;
  example: string;
  advice: string;
  count: number;
  open: number;
  waiting: number;
  set_aside: number;
  ignored: number;
  first_seen_at: Instant;
  last_seen_at: Instant;
  streams: string[];
  holds: string[];
  children_waiting: number;
}

export interface Errors {
  errors: ErrorLine[];
  next: string | null;
  total: number | null;
  total_capped: boolean;
}

export interface ErrorLine {
  id: number;
  stream: string;
  object: string;
  record_key: string;
  external_id: string | null;
  operation: "upsert" | "update" | "delete";
  code: string;
  name: string;
  error_class: ErrorClass;
  message: string;
  fields: string[];
  cause: string;
  status: ErrorStatus;
  holding: boolean;
  attempts: number;
  first_seen_at: Instant;
  last_seen_at: Instant;
  next_attempt_at: Instant | null;
}

export interface ErrorDetail extends ErrorLine {
  advice: string;
  salesforce_id: string | null;
  salesforce_url: string | null;
  record_changed_at: Instant | null;
  waiting_for: { error_id: number; stream: string; record_key: string; status: ErrorStatus } | null;
  children_waiting: number;
  resolved_at: Instant | null;
  resolved_by: string | null;
  ignored_reason: string | null;
  ignored_until: Instant | null;
  stops_stream: boolean;
  retry_with: string;
  airflow_path: string;
  payload: Record<string, string | null> | null;
  attempts_made: Attempt[];
}

export interface Attempt {
  at: Instant;
  outcome: "refused" | "accepted" | "gone";
  code: string | null;
  message: string | null;
  record_changed_at: Instant | null;
  dag_id: string | null;
  run_id: string | null;
  airflow_path: string | null;
  actor: string | null;
}

export interface SourceRow {
  row: { field: string; column: string; value: string | null }[] | null;
  changed_at: Instant | null;
  parents: { field: string; url: string }[];
}

export type ActionKind = "retry" | "set_aside" | "ignore" | "reopen";
export type Selection = { errors: number[] } | { cause: string } | { code: string; object?: string };

export interface ActionBody {
  kind: ActionKind;
  selection: Selection;
  reason?: string;
  until?: Instant;
}

export interface Preview {
  kind: ActionKind;
  selected: number;
  changes: number;
  skipped: number;
  streams: string[];
  ends_holds: string[];
  dags: { dag_id: string; records: number }[];
}

export type RecordResult =
  | "done"
  | "unchanged"
  | "pending"
  | "exported"
  | "refused"
  | "gone"
  | "waiting"
  | "not_tried";

export type JobState = "queued" | "running" | "done" | "failed";

export interface Action {
  id: number;
  kind: ActionKind;
  actor: string;
  at: Instant;
  reason: string | null;
  state: JobState;
  runs: { dag_id: string; run_id: string; state: string; airflow_path: string }[];
  counts: Partial<Record<RecordResult, number>>;
  records: { error_id: number; stream: string; record_key: string; result: RecordResult; message: string }[];
  next: number | null;
}

export interface Trial {
  id: number;
  error_id: number;
  state: JobState;
  asked_at: Instant;
  request: string | null;
  answer: string | null;
  accepted: boolean | null;
  message: string | null;
  airflow_path: string;
}

export interface History {
  bucket_seconds: number;
  points: HistoryPoint[];
  api_limit: number;
  api_calls_last_24h: number;
}

export interface HistoryPoint {
  at: Instant;
  exported: number;
  refused: number;
  api_calls: number;
  oldest_age_seconds: number | null;
}

export interface Audit {
  entries: AuditEntry[];
  next: number | null;
}

export interface AuditEntry {
  id: number;
  at: Instant;
  actor: string;
  action: ActionKind | "set_setting" | "try_record" | "see_source_row";
  setting: string | null;
  from_value: string | null;
  to_value: string | null;
  acknowledgement: string | null;
  reason: string | null;
  until: Instant | null;
  records: number;
  streams: string[];
  selection: string | null;
}
