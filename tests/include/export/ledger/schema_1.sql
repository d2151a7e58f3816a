-- The tables of CRM Export. Idempotent: run it as often as you like, by the first task of CRMExport or by hand.
-- The role that runs it needs CREATE on the database (or on the schema) and, for export_horizon(), pg_read_all_stats.

create schema if not exists crm_export;

-- One row per stream: where it stands, who writes it at the moment, and whether it is stopped at a record.
create table if not exists crm_export.ExportWatermarks (
    stream               text primary key,
    cursor_at            timestamptz,          -- position up to which every change is in Salesforce
    record_key           text collate "C",     -- or listed in ExportErrors; NULL: nothing exported yet
    stopped_at_error_id  bigint,               -- the record this stream is stopped at
    held_since           timestamptz,          -- when the gate recorded the hold
    lease_owner          text,                 -- who may write; see lease_epoch
    lease_epoch          bigint not null default 0,
    lease_until          timestamptz,
    mapping              jsonb,                -- as last run, to say which fields are new
    mapping_fingerprint  text,
    described            jsonb,                -- what Salesforce said of the object, kept so that a held run costs one call
    described_at         timestamptz,
    organization_id      text,
    updated_at           timestamptz not null default now(),
    check ((cursor_at is null) = (record_key is null)),
    check (held_since is null or stopped_at_error_id is not null)
);

-- One row per stream and run of a task.
create table if not exists crm_export.ExportRuns (
    id              bigint generated always as identity primary key,
    stream          text not null,
    kind            text not null check (kind in ('export', 'reexport', 'trial')),
    dag_id          text not null,
    run_id          text not null,
    task_id         text not null,
    try_number      integer not null,
    paused_on_errors boolean not null,         -- the setting as this run saw it
    started_at      timestamptz not null default clock_timestamp(),
    ended_at        timestamptz,
    rows_changed    bigint not null default 0,
    rows_sent       bigint not null default 0,
    accepted        bigint not null default 0,
    refused         bigint not null default 0,
    api_calls       bigint not null default 0,
    bytes_sent      bigint not null default 0,
    rows_waiting    bigint,                    -- rows behind the record the stream is stopped at, counted up to 10,000
    outcome         text not null default 'running'
                    check (outcome in ('running', 'complete', 'held', 'waiting_for_credits', 'failed')),
    message         text
);
create index if not exists ExportRuns_by_stream on crm_export.ExportRuns (stream, id desc);
create index if not exists ExportRuns_by_start on crm_export.ExportRuns (started_at);

-- One row per batch: PLANNED -> SENDING -> SETTLED, or ABANDONED when its outcome is not known and its rows go again.
create table if not exists crm_export.ExportBatches (
    id           bigint generated always as identity primary key,
    stream       text not null,
    run          bigint not null references crm_export.ExportRuns (id),
    epoch        bigint not null,
    transport    text not null check (transport in ('collections')),
    action       text not null check (action in ('upsert', 'update', 'delete')),
    state        text not null default 'PLANNED'
                 check (state in ('PLANNED', 'SENDING', 'SETTLED', 'ABANDONED')),
    job_id       text,
    row_count    integer not null,
    sent         integer,
    accepted     integer,
    refused      integer,
    unprocessed  integer,
    planned_at   timestamptz not null default clock_timestamp(),
    settled_at   timestamptz,
    check (state <> 'SETTLED' or accepted + refused + unprocessed = sent)
);
create index if not exists ExportBatches_unsettled on crm_export.ExportBatches (stream)
    where state in ('PLANNED', 'SENDING');
create index if not exists ExportBatches_by_run on crm_export.ExportBatches (run);

-- The manifest of a batch in flight: one row per source row, in position order. Emptied when the batch is settled.
create table if not exists crm_export.ExportBatchRows (
    batch        bigint not null references crm_export.ExportBatches (id) on delete cascade,
    ordinal      integer not null,
    record_key   text collate "C" not null,
    external_id  text,
    cursor_at    timestamptz not null,
    primary key (batch, ordinal)
);

-- One row per record that Salesforce refused by name. At most one unresolved row per stream and record.
create table if not exists crm_export.ExportErrors (
    id                bigint generated always as identity primary key,
    stream            text not null,
    object            text not null,
    record_key        text collate "C" not null,
    external_id       text,
    salesforce_id     text,
    operation         text not null check (operation in ('upsert', 'update', 'delete')),
    record_changed_at timestamptz,             -- the version that was refused
    error_code        text not null,           -- Salesforce's
    error_name        text not null,           -- ours
    error_class       text not null,
    error_message     text not null,
    error_fields      text[] not null default '{}',
    status            text not null default 'open'
                      check (status in ('open', 'waiting', 'set_aside', 'ignored', 'resolved')),
    waiting_for       bigint references crm_export.ExportErrors (id),  -- kept after the release: it says why
    holding           boolean not null default false,
    attempts          integer not null default 1 check (attempts >= 1),
    reexports         integer not null default 0,  -- attempts of the daily job, which space out
    first_seen_at     timestamptz not null default clock_timestamp(),
    last_seen_at      timestamptz not null default clock_timestamp(),
    next_attempt_at   timestamptz,
    resolved_at       timestamptz,
    resolved_by       text,                    -- CRMExport, CRMExport_ExportError, operator, source_deleted, out_of_scope
    ignored_reason    text,
    ignored_until     timestamptz,
    dag_id            text not null,
    run_id            text not null,
    job_id            text,
    payload           jsonb,                   -- only the fields that the stream lists in log_fields
    check ((status = 'resolved') = (resolved_at is not null)),
    check ((status = 'resolved') = (resolved_by is not null)),
    check (status <> 'ignored' or (ignored_reason is not null and ignored_until is not null)),
    check (status <> 'waiting' or waiting_for is not null),
    check (not holding or status <> 'resolved')
);
create unique index if not exists ExportErrors_one_unresolved
    on crm_export.ExportErrors (stream, record_key) where status <> 'resolved';
create index if not exists ExportErrors_due
    on crm_export.ExportErrors (stream, next_attempt_at, id) where status <> 'resolved';
create index if not exists ExportErrors_waiting
    on crm_export.ExportErrors (waiting_for) where status = 'waiting';
create index if not exists ExportErrors_by_external_id
    on crm_export.ExportErrors (object, lower(external_id)) where status <> 'resolved';

-- One line per attempt of a refused record.
create table if not exists crm_export.ExportErrorAttempts (
    id            bigint generated always as identity primary key,
    error         bigint not null references crm_export.ExportErrors (id) on delete cascade,
    attempted_at  timestamptz not null default clock_timestamp(),
    run           bigint references crm_export.ExportRuns (id),
    record_changed_at timestamptz,
    outcome       text not null check (outcome in ('refused', 'accepted', 'gone')),
    error_code    text,
    error_message text
);
create index if not exists ExportErrorAttempts_by_error on crm_export.ExportErrorAttempts (error, id);

-- How far the source may be read: nothing that an open transaction could still commit lies before the horizon.
-- SECURITY DEFINER, so that an unprivileged role sees the transactions of other sessions.
create or replace function crm_export.export_horizon(harmless_roles text[], harmless_applications text[])
returns table (
    standby boolean, blind boolean, prepared text, horizon timestamptz,
    oldest_pid integer, oldest_application text, oldest_age interval, owner text
)
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
    with open_transaction as (
        select a.pid, a.application_name, a.xact_start
        from pg_stat_activity a
        where a.datname = current_database()
          and a.xact_start is not null
          and a.application_name <> 'crm_export'
          -- these run transactions of their own that never write rows of tables
          and coalesce(a.backend_type, '') not in ('autovacuum worker', 'walsender')
          and not coalesce(a.usename = any (harmless_roles), false)
          and not (a.application_name = any (harmless_applications))
        order by a.xact_start
        limit 1
    )
    select pg_is_in_recovery(),
           not pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
           (select string_agg(p.gid, ', ' order by p.gid) from pg_prepared_xacts p
            where p.database = current_database()),
           least(clock_timestamp(), (select xact_start from open_transaction)) - interval '5 seconds',
           (select pid from open_transaction),
           (select application_name from open_transaction),
           clock_timestamp() - (select xact_start from open_transaction),
           current_user::text
$$;
revoke all on function crm_export.export_horizon(text[], text[]) from public;

-- The version that install_schema() looks for. Last, so that a half-run file does not count as installed.
comment on schema crm_export is 'CRM Export schema 1';
