-- The tables of CRM Export. Idempotent: the first task of CRMExport runs it, and it may be run by hand at any time.
-- The role that runs it needs CREATE on the database (or on the schema) and, for export_horizon(), pg_read_all_stats.

-- names in the bodies below are looked up once, here: a function of the same name in another schema is never called
set search_path = pg_catalog, pg_temp;

create schema if not exists crm_export;

-- One row per stream: its watermark, its lease, and whether it is stopped at a record.
create table if not exists crm_export.ExportWatermarks (
    stream               text primary key,
    cursor_at            timestamptz,          -- position up to which every change is in Salesforce
    record_key           text collate "C",     -- or listed in ExportErrors; NULL: nothing exported yet
    stopped_at_error_id  bigint,               -- the record this stream is stopped at
    held_since           timestamptz,          -- when the gate recorded the hold
    lease_owner          text,                 -- who may write; see lease_epoch
    lease_epoch          bigint not null default 0,
    lease_until          timestamptz,
    mapping              jsonb,                -- of the last run, to find new fields
    mapping_fingerprint  text,
    described            jsonb,                -- the object's description, stored so that a held run costs one call
    described_at         timestamptz,
    organization_id      text,
    database_identity    text,                 -- of the database that the watermark belongs to
    instance_url         text,                 -- of the org, to link to its records
    request_rows         integer,              -- the most rows of a request; NULL: as many as the setting allows
    job_rows             integer,              -- of the last good window of Bulk jobs, and when that was
    job_rows_at          timestamptz,
    arrived_behind       bigint,               -- rows after the stop that Bulk jobs have sent; NULL: none
    rejected_behind      jsonb,                -- rejections after the stop that are not recorded, by code
    updated_at           timestamptz not null default now(),
    check ((cursor_at is null) = (record_key is null)),
    check (held_since is null or stopped_at_error_id is not null)
);

alter table crm_export.ExportWatermarks add column if not exists database_identity text;
alter table crm_export.ExportWatermarks add column if not exists instance_url text;
alter table crm_export.ExportWatermarks add column if not exists request_rows integer;
alter table crm_export.ExportWatermarks
    add column if not exists job_rows integer, add column if not exists job_rows_at timestamptz,
    add column if not exists arrived_behind bigint, add column if not exists rejected_behind jsonb;
-- `described` merged with all earlier ones: the baseline by which CRMExport_Reconcile detects changes in the org
alter table crm_export.ExportWatermarks add column if not exists described_ever jsonb;

-- One row per stream and run of a task.
create table if not exists crm_export.ExportRuns (
    id              bigint generated always as identity primary key,
    stream          text not null,
    kind            text not null,
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
    rows_waiting    bigint,                    -- rows after the record the stream is stopped at, counted up to 10,000
    oldest_change_at timestamptz,              -- of the changes that were not exported when the run began
    outcome         text not null default 'running'
                    check (outcome in ('running', 'complete', 'held', 'waiting_for_credits', 'waiting_for_job',
                                       'failed')),
    message         text
);
alter table crm_export.ExportRuns drop constraint if exists exportruns_kind_check;
alter table crm_export.ExportRuns add constraint exportruns_kind_check
    check (kind in ('export', 'reexport', 'trial', 'reconcile'));
create index if not exists ExportRuns_by_stream on crm_export.ExportRuns (stream, id desc);
create index if not exists ExportRuns_by_start on crm_export.ExportRuns (started_at);
alter table crm_export.ExportRuns add column if not exists oldest_change_at timestamptz;
create index if not exists ExportRuns_by_run_id on crm_export.ExportRuns (run_id);
-- a long transaction of another session that was open at the end of the run, and the rows changed after its start
alter table crm_export.ExportRuns
    add column if not exists blocking_pid integer, add column if not exists blocking_application text,
    add column if not exists blocking_since timestamptz, add column if not exists rows_blocked bigint;

-- One row per batch: PLANNED -> SENDING -> SETTLED, or ABANDONED if its outcome is unknown and its rows are sent again.
create table if not exists crm_export.ExportBatches (
    id           bigint generated always as identity primary key,
    stream       text not null,
    run          bigint not null references crm_export.ExportRuns (id),
    epoch        bigint not null,
    transport    text not null check (transport in ('collections', 'bulk')),
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
    -- a Bulk job sends a range of positions; below the horizon, rows leave a range and none enter it. A job without a
    -- range (of the daily job) sends the rows of its manifest
    range_from_at timestamptz,                 -- NULL: from the beginning of the stream
    range_from_key text collate "C",
    range_to_at  timestamptz,
    range_to_key text collate "C",
    window_id    uuid,                         -- the jobs of one range, which move the watermark together
    part         integer not null default 0,
    parts        integer not null default 1,
    unrecorded   jsonb,                        -- rejections of a settled job that are not in ExportErrors, by code
    unrecorded_at timestamptz,                 -- the first of them: the watermark stays before it
    unrecorded_key text collate "C",
    check (state <> 'SETTLED' or accepted + refused + unprocessed = sent)
);
-- for a database of version 1
alter table crm_export.ExportBatches
    add column if not exists range_from_at timestamptz, add column if not exists range_from_key text collate "C",
    add column if not exists range_to_at timestamptz, add column if not exists range_to_key text collate "C",
    add column if not exists window_id uuid, add column if not exists part integer not null default 0,
    add column if not exists parts integer not null default 1,
    drop constraint if exists exportbatches_transport_check,
    add constraint exportbatches_transport_check check (transport in ('collections', 'bulk'));
alter table crm_export.ExportBatches
    add column if not exists unrecorded jsonb, add column if not exists unrecorded_at timestamptz,
    add column if not exists unrecorded_key text collate "C";
alter table crm_export.ExportRuns
    drop constraint if exists exportruns_outcome_check,
    add constraint exportruns_outcome_check check (outcome in (
        'running', 'complete', 'held', 'waiting_for_credits', 'waiting_for_job', 'failed'));
create index if not exists ExportBatches_by_window on crm_export.ExportBatches (window_id);
create index if not exists ExportBatches_unsettled on crm_export.ExportBatches (stream)
    where state in ('PLANNED', 'SENDING');
create index if not exists ExportBatches_by_run on crm_export.ExportBatches (run);

-- The manifest of a batch in flight: one row per source row, in order. Emptied when the batch is settled. The manifest
-- of a window's job has the rows that the job leaves out.
create table if not exists crm_export.ExportBatchRows (
    batch        bigint not null references crm_export.ExportBatches (id) on delete cascade,
    ordinal      integer not null,
    record_key   text collate "C" not null,
    external_id  text,
    cursor_at    timestamptz not null,
    primary key (batch, ordinal)
);

-- The version in which each row was last exported (or listed in ExportErrors), packed: a hash of the key and the change
-- time. CRMExport_Reconcile finds late rows with it. A settled batch adds one line; the daily check packs these lines
-- into lines that each cover a range of positions: after the previous line's position, up to their own.
create table if not exists crm_export.ExportedVersions (
    id          bigint generated always as identity primary key,
    stream      text not null,
    staged_for  bigint,                        -- the batch of a Bulk job that is not settled yet
    cursor_at   timestamptz,                   -- the last position of a packed line; NULL: the line of a batch
    record_key  text collate "C",
    row_count   integer not null,
    key_hashes  bigint[],                      -- NULL: exported before this table existed, taken on trust
    versions    timestamptz[],
    check ((cursor_at is null) = (record_key is null)),
    check (cardinality(key_hashes) = row_count and cardinality(versions) = row_count)
);
-- hashes do not compress; the attempt costs more than writing them
alter table crm_export.ExportedVersions
    alter column key_hashes set storage external, alter column versions set storage external;
create index if not exists ExportedVersions_by_stream on crm_export.ExportedVersions (stream, cursor_at, id);
create index if not exists ExportedVersions_staged on crm_export.ExportedVersions (staged_for)
    where staged_for is not null;
insert into crm_export.ExportedVersions (stream, cursor_at, record_key, row_count)
select w.stream, w.cursor_at, w.record_key, 0
from crm_export.ExportWatermarks w
where w.cursor_at is not null
  and obj_description('crm_export'::regnamespace, 'pg_namespace') = 'CRM Export schema 1';

-- Problems that the daily check found, for people. One row each; it is closed when a later check no longer finds it.
create table if not exists crm_export.ExportFindings (
    id            bigint generated always as identity primary key,
    stream        text not null,
    kind          text not null,               -- late_row, no_source_row, stepped_back, check:<name>, org:<what changed>
    subject       text not null,               -- a key, an external id, a group, a field: never a record's values
    told          text not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    last_seen_at  timestamptz not null default clock_timestamp(),
    closed_at     timestamptz,
    run           bigint                       -- the line of ExportRuns that saw it last
);
create unique index if not exists ExportFindings_one_open
    on crm_export.ExportFindings (stream, kind, subject) where closed_at is null;

-- Returns a message without the parts that differ between records, so that 500 rejections by one rule are one cause.
create or replace function crm_export.normalise_message(message text) returns text
language sql immutable parallel safe
return left(
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
            regexp_replace(left(message collate "C", 1000), '\s{2,}|[\t\r\n]', ' ', 'g'),
            -- values that Salesforce writes without quotes
            '(data value too large: ).*( \(max length)|(Foreign key external ID: ).*( not found for)', '\1\3…\2\4'),
            '((restricted picklist field|external id specified|value not of required type|valid range on numeric field'
            '|invalid email address|id value of incorrect type): ).*$', '\1…'),
            '''[^'']*''|"[^"]*"', '…', 'g'),
            'https?://\S+|[\w.+-]+@[\w-]+(\.[\w-]+)+', '…', 'g'),
            -- ids: Salesforce's 15 or 18 characters (000, a00: their prefixes), UUIDs
            '\m(?:[0-9][A-Za-z0-9]{14}|[a-z][0-9][A-Za-z0-9]{13})(?:[A-Za-z0-9]{3})?\M|\m[0-9a-f]{8}-[0-9a-f-]{27}\M',
            '…', 'g'),
            '\m\d{4}-\d\d-\d\dT[\d:.]+Z?\M|\m\d+([.,:-]\d+)*\M', '#', 'g'),
            -- the number at the end of a key, as in CMP_000025; field names such as bizible2__X__c are kept
            '([_-])\d+\M', '\1#', 'g'),
        500);
create or replace function crm_export.error_cause(object text, code text, fields text[], message text) returns text
language sql immutable parallel safe
return left(encode(sha256(convert_to(
        jsonb_build_array(object, code, to_jsonb(fields), crm_export.normalise_message(message))::text, 'UTF8')), 'hex'), 16);

-- One row per record that Salesforce rejected by name. At most one unresolved row per stream and record.
create table if not exists crm_export.ExportErrors (
    id                bigint generated always as identity primary key,
    stream            text not null,
    object            text not null,
    record_key        text collate "C" not null,
    external_id       text,
    salesforce_id     text,
    operation         text not null check (operation in ('upsert', 'update', 'delete')),
    record_changed_at timestamptz,             -- the version that was rejected
    error_code        text not null,           -- Salesforce's code
    error_name        text not null,           -- our name
    error_class       text not null,
    error_message     text not null,
    error_fields      text[] not null default '{}',
    status            text not null default 'open'
                      check (status in ('open', 'waiting', 'set_aside', 'ignored', 'resolved')),
    waiting_for       bigint references crm_export.ExportErrors (id),  -- kept after the release, as the reason
    holding           boolean not null default false,
    attempts          integer not null default 1 check (attempts >= 1),
    reexports         integer not null default 0,  -- attempts of the daily job, at growing intervals
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
    cause             text generated always as  -- records rejected for the same reason share it
                      (crm_export.error_cause(object, error_code, error_fields, error_message)) stored,
    check ((status = 'resolved') = (resolved_at is not null)),
    check ((status = 'resolved') = (resolved_by is not null)),
    check (status <> 'ignored' or (ignored_reason is not null and ignored_until is not null)),
    check (status <> 'waiting' or waiting_for is not null),
    check (not holding or status <> 'resolved')
);
alter table crm_export.ExportErrors
    add column if not exists cause text
        generated always as (crm_export.error_cause(object, error_code, error_fields, error_message)) stored;
create unique index if not exists ExportErrors_one_unresolved
    on crm_export.ExportErrors (stream, record_key) where status <> 'resolved';
create index if not exists ExportErrors_due
    on crm_export.ExportErrors (stream, next_attempt_at, id) where status <> 'resolved';
create index if not exists ExportErrors_waiting
    on crm_export.ExportErrors (waiting_for) where status = 'waiting';
create index if not exists ExportErrors_by_parent  -- without it, deleting old errors reads the whole table for each
    on crm_export.ExportErrors (waiting_for) where waiting_for is not null;
create index if not exists ExportErrors_by_external_id
    on crm_export.ExportErrors (object, lower(external_id)) where status <> 'resolved';
-- for the page's list of errors
create index if not exists ExportErrors_by_last_seen on crm_export.ExportErrors (last_seen_at, id);
create index if not exists ExportErrors_by_first_seen on crm_export.ExportErrors (first_seen_at, id);
create index if not exists ExportErrors_by_attempts on crm_export.ExportErrors (attempts, id);

-- One line per attempt of a rejected record.
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

-- Returns which DAG sends a rejected record again: CRMExport for a record above the watermark, else the daily job.
create or replace function crm_export.sender_of(
    cursor_at timestamptz, stopped_at_error_id bigint, error bigint, record_changed_at timestamptz) returns text
language sql immutable parallel safe
return case when cursor_at is null or stopped_at_error_id = error or record_changed_at > cursor_at
                     or (stopped_at_error_id is not null and record_changed_at = cursor_at)
                then 'CRMExport' else 'CRMExport_ExportError' end;

-- One row per change of a setting and per action of a person; the records of an action are in ExportAuditRecords.
create table if not exists crm_export.ExportAudit (
    id              bigint generated always as identity primary key,
    at              timestamptz not null default clock_timestamp(),
    actor           text not null,
    action          text not null check (action in (
                        'set_setting', 'retry', 'set_aside', 'ignore', 'reopen', 'try_record', 'see_source_row')),
    setting         text,
    from_value      text,
    to_value        text,
    acknowledgement text,                      -- the text that was agreed to when pause_on_export_errors was turned off
    reason          text,
    until           timestamptz,
    selection       text,                      -- what was selected: errors, a cause, a code
    problem         text,                      -- why the runs that a retry needs could not be started
    check (action <> 'ignore' or (reason is not null and until is not null)),
    check ((action = 'set_setting') = (setting is not null))
);
create index if not exists ExportAudit_by_setting on crm_export.ExportAudit (setting, id) where setting is not null;
create table if not exists crm_export.ExportAuditRecords (
    audit  bigint not null references crm_export.ExportAudit (id),
    error  bigint not null,                    -- the error may be deleted later; its stream and key stay here
    stream text not null,
    record_key text not null,
    dag_id text,                               -- a retry: which DAG sends the record; its run is called page__<audit>
    result text check (result in ('done', 'unchanged')),  -- of a decision; a retry's is in ExportErrorAttempts
    primary key (audit, error)
);
create index if not exists ExportAuditRecords_by_error on crm_export.ExportAuditRecords (error, audit);

-- Trials: the exact request and answer of a record that a person tried. They have record values: deleted after an hour.
create table if not exists crm_export.ExportTrials (
    audit      bigint primary key references crm_export.ExportAudit (id),
    asked_by   text not null,
    asked_at   timestamptz not null default clock_timestamp(),
    error      bigint not null,
    ended_at   timestamptz,
    accepted   boolean,
    request    text,
    answer     text,
    message    text
);

-- Ranges whose resend was requested by a person or because of a new field. CRMExport continues each until it is
-- finished; the watermark does not move, `cursor_at` and `record_key` are the position that the resend has reached.
create table if not exists crm_export.ExportResends (
    id           bigint generated always as identity primary key,
    stream       text not null,
    asked_by     text not null,
    asked_at     timestamptz not null default clock_timestamp(),
    reason       text not null,
    key          text,                         -- one record only
    from_at      timestamptz,                  -- change times of the range, both inclusive; NULL: no bound
    to_at        timestamptz,
    cursor_at    timestamptz,
    record_key   text collate "C",
    finished_at  timestamptz,
    check ((cursor_at is null) = (record_key is null)),
    check (key is null or (from_at is null and to_at is null))
);
create index if not exists ExportResends_unfinished on crm_export.ExportResends (stream, id) where finished_at is null;

-- For retention: indexes find old rows, and foreign keys do not prevent deleting them.
create index if not exists ExportErrors_by_resolution on crm_export.ExportErrors (resolved_at) where status = 'resolved';
create index if not exists ExportBatches_by_plan on crm_export.ExportBatches (planned_at);
create index if not exists ExportErrorAttempts_by_time on crm_export.ExportErrorAttempts (attempted_at);
create index if not exists ExportErrorAttempts_by_run on crm_export.ExportErrorAttempts (run) where run is not null;
alter table crm_export.ExportErrorAttempts
    drop constraint if exists exporterrorattempts_run_fkey,
    add constraint exporterrorattempts_run_fkey
        foreign key (run) references crm_export.ExportRuns (id) on delete set null;
alter table crm_export.ExportErrors
    drop constraint if exists exporterrors_waiting_for_fkey,
    add constraint exporterrors_waiting_for_fkey
        foreign key (waiting_for) references crm_export.ExportErrors (id) on delete set null;

-- Alerts: at most one open row per key. Triggers write it in the transaction that causes it, so that no alert is lost
-- if the process that should send it dies.
create table if not exists crm_export.ExportAlerts (
    id            bigint generated always as identity primary key,
    key           text not null,               -- what the alert is about; at most one open row has it
    kind          text not null check (kind in (
                      'held', 'rejected', 'run_failed', 'quota', 'lag', 'purge', 'finding', 'audit')),
    severity      text not null check (severity in ('critical', 'warning', 'info')),
    stream        text,
    subject       text not null,               -- a key, a cause, a failure class: never a record's values
    message       text,                        -- NULL: composed from the tables when it is sent
    error         bigint,                      -- the row of ExportErrors that it is about
    times         integer not null default 1,  -- how often it was raised while it was open
    raised_at     timestamptz not null default clock_timestamp(),
    cleared_at    timestamptz,
    sent_at       timestamptz,                 -- first delivery to any channel
    clear_sent_at timestamptz,                 -- last delivery of the message that it was cleared
    reminders     integer not null default 0,
    read_at       timestamptz,                 -- marked as read on the page
    read_by       text
);
create unique index if not exists ExportAlerts_one_open on crm_export.ExportAlerts (key) where cleared_at is null;
create index if not exists ExportAlerts_unsent on crm_export.ExportAlerts (id)
    where cleared_at is null or clear_sent_at is null;
-- The deliveries of an alert to each channel.
create table if not exists crm_export.ExportAlertDeliveries (
    alert   bigint not null references crm_export.ExportAlerts (id) on delete cascade,
    channel text not null,
    event   text not null check (event in ('raised', 'reminder', 'cleared')),
    sent_at timestamptz not null default clock_timestamp(),
    times   integer not null default 1,
    primary key (alert, channel, event)
);

-- Raises an alert. A cleared alert whose end has not been sent yet is reopened instead: people saw no change.
create or replace function crm_export.raise_alert(
    about text, alert_kind text, how_severe text, of_stream text, what text, text_of_alert text, of_error bigint)
returns void language sql volatile set search_path = pg_catalog, pg_temp as $$
    with reopened as (
        update crm_export.ExportAlerts a
        set cleared_at = null, times = a.times + 1, message = text_of_alert, error = of_error
        where a.id = (select max(o.id) from crm_export.ExportAlerts o where o.key = about)
          and a.cleared_at is not null and a.sent_at is not null and a.clear_sent_at is null
        returning a.id
    )
    insert into crm_export.ExportAlerts as a (key, kind, severity, stream, subject, message, error)
    select about, alert_kind, how_severe, of_stream, what, text_of_alert, of_error
    where not exists (select from reopened)
    on conflict (key) where cleared_at is null do update
    set times = a.times + 1, message = excluded.message, error = excluded.error
$$;
create or replace function crm_export.clear_alert(about text)
returns void language sql volatile set search_path = pg_catalog, pg_temp as $$
    update crm_export.ExportAlerts set cleared_at = clock_timestamp() where key = about and cleared_at is null
$$;

-- The alert of a stream that is held at a record, or whose hold has ended.
create or replace function crm_export.alert_of_hold() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    record_at text;
begin
    if tg_op <> 'INSERT' and old.held_since is not null
       and (tg_op = 'DELETE' or new.held_since is null
            or new.stopped_at_error_id is distinct from old.stopped_at_error_id) then
        select record_key into record_at from crm_export.ExportErrors where id = old.stopped_at_error_id;
        perform crm_export.clear_alert(format('held:%s:%s', old.stream, record_at));
    end if;
    if tg_op = 'UPDATE' and new.held_since is not null
       and (old.held_since is null or new.stopped_at_error_id is distinct from old.stopped_at_error_id) then
        select record_key into record_at from crm_export.ExportErrors where id = new.stopped_at_error_id;
        perform crm_export.raise_alert(
            format('held:%s:%s', new.stream, record_at), 'held', 'critical', new.stream, record_at, null,
            new.stopped_at_error_id);
    end if;
    return null;
end $$;
create or replace trigger ExportWatermarks_alerts
    after update of held_since, stopped_at_error_id or delete on crm_export.ExportWatermarks
    for each row execute function crm_export.alert_of_hold();

-- The alert of records rejected for a new cause; it is cleared when the last record of the cause is accepted.
create or replace function crm_export.alert_of_new_errors() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform crm_export.raise_alert(
                format('rejected:%s:%s', n.stream, n.cause), 'rejected', 'warning', n.stream, n.cause, null, min(n.id))
    from new_rows n where n.status in ('open', 'waiting') group by n.stream, n.cause;
    return null;
end $$;
create or replace function crm_export.alert_of_changed_errors() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform crm_export.raise_alert(
                format('rejected:%s:%s', n.stream, n.cause), 'rejected', 'warning', n.stream, n.cause, null, min(n.id))
    -- not a join: its plan is cached for the session, and a plan for a few rows would compare all pairs of 100,000
    from (select id, stream, cause from new_rows where status in ('open', 'waiting')
          except select id, stream, cause from old_rows where status in ('open', 'waiting')) n
    group by n.stream, n.cause;
    perform crm_export.clear_alert(format('rejected:%s:%s', gone.stream, gone.cause))
    from (select distinct o.stream, o.cause
          from (select id, stream, cause from old_rows where status in ('open', 'waiting')
                except select id, stream, cause from new_rows where status in ('open', 'waiting')) o) gone
    where not exists (select from crm_export.ExportErrors e
                      where e.cause = gone.cause and e.stream = gone.stream and e.status in ('open', 'waiting'));
    return null;
end $$;
create or replace trigger ExportErrors_alerts_of_new after insert on crm_export.ExportErrors
    referencing new table as new_rows for each statement execute function crm_export.alert_of_new_errors();
create or replace trigger ExportErrors_alerts_of_changed after update on crm_export.ExportErrors
    referencing old table as old_rows new table as new_rows
    for each statement execute function crm_export.alert_of_changed_errors();

-- The alert of a run that failed or spent the API calls of the day; a successful run clears an earlier failure.
alter table crm_export.ExportRuns add column if not exists failure text;  -- the class of the failure
create or replace function crm_export.alert_of_run() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    org text;
begin
    if new.kind = 'trial' or new.outcome = 'running' then
        return null;
    end if;
    select coalesce(w.organization_id, '') into org from crm_export.ExportWatermarks w where w.stream = new.stream;
    if new.outcome = 'failed' then
        perform crm_export.raise_alert(
            format('run_failed:%s:%s:%s', new.stream, new.kind, coalesce(new.failure, '')), 'run_failed', 'critical',
            new.stream, format('%s:%s', new.kind, coalesce(new.failure, '')), new.message, null);
        return null;
    end if;
    update crm_export.ExportAlerts set cleared_at = clock_timestamp()
    where kind = 'run_failed' and stream = new.stream and split_part(subject, ':', 1) = new.kind and cleared_at is null;
    if new.outcome = 'waiting_for_credits' then
        perform crm_export.raise_alert(
            format('quota:%s', org), 'quota', 'warning', null, coalesce(org, ''), new.message, null);
    else
        perform crm_export.clear_alert(format('quota:%s', org));
    end if;
    return null;
end $$;
create or replace trigger ExportRuns_alerts after update of outcome on crm_export.ExportRuns
    for each row execute function crm_export.alert_of_run();

-- The alert of findings of CRMExport_Reconcile; cleared when they are no longer found.
create or replace function crm_export.alert_of_findings() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform crm_export.raise_alert(
                format('finding:%s:%s', seen.stream, seen.kind), 'finding', 'warning', seen.stream, seen.kind, seen.told,
                null)
    -- the alert describes changes in the org; other findings have keys and ids
    from (select stream, kind, min(told) filter (where left(kind, 4) = 'org:') as told
          from new_rows where closed_at is null group by stream, kind) seen;
    perform crm_export.clear_alert(format('finding:%s:%s', seen.stream, seen.kind))
    from (select distinct stream, kind from new_rows where closed_at is not null) seen
    where not exists (select from crm_export.ExportFindings f
                      where f.stream = seen.stream and f.kind = seen.kind and f.closed_at is null);
    return null;
end $$;
create or replace trigger ExportFindings_alerts_of_new after insert on crm_export.ExportFindings
    referencing new table as new_rows for each statement execute function crm_export.alert_of_findings();
create or replace trigger ExportFindings_alerts_of_changed after update on crm_export.ExportFindings
    referencing new table as new_rows for each statement execute function crm_export.alert_of_findings();

-- The alert of a person's change of a setting or new resend: reported once, nothing to clear.
create or replace function crm_export.alert_of_audit() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.action in ('set_setting', 'resend') then
        insert into crm_export.ExportAlerts (key, kind, severity, subject, message, cleared_at)
        values (format('audit:%s', new.id), 'audit', 'info', new.action,
                case new.action when 'set_setting'
                     then format('%s: %s -> %s (%s)', new.setting, coalesce(new.from_value, '-'), new.to_value, new.actor)
                     else format('resend: %s (%s)', new.selection, new.actor) end, clock_timestamp());
    end if;
    return null;
end $$;
create or replace trigger ExportAudit_alerts after insert on crm_export.ExportAudit
    for each row execute function crm_export.alert_of_audit();

-- Returns the horizon, up to which the source may be read: no open transaction can still commit a row below it.
-- SECURITY DEFINER, so that an unprivileged role sees the transactions of other sessions.
create or replace function crm_export.export_horizon(harmless_roles text[], harmless_applications text[])
returns table (
    standby boolean, blind boolean, prepared text, horizon timestamptz,
    oldest_pid integer, oldest_application text, oldest_age interval, owner text
)
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
    with session as (
        select a.*,
               -- with track_activities off, the start of a session's transactions cannot be seen
               case when a.state = 'disabled' then timestamptz '-infinity' else a.xact_start end as began_at
        from pg_stat_activity a
        where a.datname = current_database()
          -- the exporter's own sessions hold this lock (include/sql/source/session_mark.sql); a name is not enough
          and not (a.application_name = 'crm_export' and exists (
              select from pg_locks l
              where l.pid = a.pid and l.locktype = 'advisory' and l.granted
                and l.classid = 724188901 and l.objid = 12 and l.objsubid = 2))
    ), open_transaction as (
        select a.pid, a.application_name, a.began_at
        from session a
        where a.began_at is not null
          -- these have transactions that never write rows of tables
          and coalesce(a.backend_type, '') not in ('autovacuum worker', 'walsender')
          and not coalesce(a.usename = any (harmless_roles), false)
          and not (a.application_name = any (harmless_applications))
        order by a.began_at
        limit 1
    )
    select pg_is_in_recovery(),
           not pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
           (select string_agg(p.gid, ', ' order by p.gid) from pg_prepared_xacts p
            where p.database = current_database()),
           least(clock_timestamp(), (select began_at from open_transaction)) - interval '5 seconds',
           (select pid from open_transaction),
           (select application_name from open_transaction),
           clock_timestamp() - (select began_at from open_transaction where isfinite(began_at)),
           current_user::text
$$;
revoke all on function crm_export.export_horizon(text[], text[]) from public;

-- Returns the identity of this database, which differs for another, a restored or a promoted one.
-- SECURITY DEFINER, because some providers deny these functions to unprivileged roles.
create or replace function crm_export.database_identity() returns text
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
    select format('%s/%s', system_identifier,
                  case when pg_is_in_recovery() then (select timeline_id from pg_control_checkpoint())
                       else ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int end)
    from pg_control_system()
$$;
revoke all on function crm_export.database_identity() from public;

-- Version 3: a check gives up its lease between pages when another run wants it. A want is renewed while its run waits.
alter table crm_export.ExportWatermarks
    add column if not exists lease_yields boolean not null default false,  -- the lease belongs to such a check
    add column if not exists lease_wanted_at timestamptz,
    add column if not exists check_epoch bigint;                           -- of the newest check's first lease
-- Indexes for the page's lists, counts and searches, however many errors and runs there are.
create index if not exists ExportErrors_by_status on crm_export.ExportErrors (stream, status)
    where status <> 'resolved';
-- all columns that the list of causes aggregates
create index if not exists ExportErrors_causes on crm_export.ExportErrors (cause, stream)
    include (status, object, first_seen_at, last_seen_at, id) where status <> 'resolved';
drop index if exists crm_export.ExportErrors_by_cause;
create index if not exists ExportRuns_exports on crm_export.ExportRuns (stream, id desc) where kind = 'export';
create index if not exists ExportRuns_summed on crm_export.ExportRuns (started_at)
    include (stream, accepted, refused, api_calls, oldest_change_at);
drop index if exists crm_export.ExportRuns_by_start;
create index if not exists ExportRuns_by_waiting on crm_export.ExportRuns (stream, id desc)
    where rows_waiting is not null;
create index if not exists ExportFindings_open on crm_export.ExportFindings (last_seen_at desc, id desc)
    where closed_at is null;
alter table crm_export.ExportAudit
    drop constraint if exists exportaudit_action_check,
    add constraint exportaudit_action_check check (action in (
        'set_setting', 'retry', 'set_aside', 'ignore', 'reopen', 'try_record', 'see_source_row', 'download', 'run_now',
        'pause_dag', 'unpause_dag', 'resend', 'see_plan'));
-- how many rows a resend has sent, and of how many, if they were counted before the request
alter table crm_export.ExportResends
    add column if not exists rows_total bigint, add column if not exists rows_sent bigint not null default 0;
alter table crm_export.ExportAlerts
    drop constraint if exists exportalerts_kind_check,
    add constraint exportalerts_kind_check check (kind in (
        'held', 'rejected', 'run_failed', 'quota', 'lag', 'purge', 'finding', 'new_field', 'audit'));
-- Returns whether an alert only repeats the alert of a hold: the record at which a stream is held has its own alert.
create or replace function crm_export.is_part_of_hold(kind text, of_stream text, of_cause text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select kind = 'rejected' and not exists (
        select from crm_export.ExportErrors c
        where c.cause = of_cause and c.stream = of_stream and c.status in ('open', 'waiting')
          and not exists (select from crm_export.ExportWatermarks s where s.stopped_at_error_id = c.id))
$$;
-- The page's search finds text anywhere in a million errors with pg_trgm, a trusted extension that any role may create
-- that may create this schema. On a server without it, the search reads every error instead, for 15 s at most.
do $$
begin
    create extension if not exists pg_trgm with schema crm_export;
exception when insufficient_privilege or undefined_file or feature_not_supported then
    raise notice 'CRM Export: without the extension pg_trgm the search of the page is slow with many errors';
end $$;
do $$
declare place name := (select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace
                       where e.extname = 'pg_trgm');
begin
    if place is not null then
        execute format('create index if not exists ExportErrors_search on crm_export.ExportErrors using gin ('
            '(record_key || E''\n'' || coalesce(external_id, '''') || E''\n'' || error_message) %I.gin_trgm_ops)', place);
    end if;
end $$;

-- Returns the name of a Salesforce code in the CRM export notifications of Adobe Marketo Measure, or the code itself if
-- Adobe has no name for it. The error catalogue has the same names.
create or replace function crm_export.adobe_code(code text) returns text
language sql immutable parallel safe
return case code
    when 'FIELD_CUSTOM_VALIDATION_EXCEPTION' then 'RECORD_NONCOMPLIANT_WITH_VALIDATION_RULES'
    when 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST' then 'RESTRICT_PICKLIST_VALUES_ENABLED'
    when 'INVALID_FIELD_FOR_INSERT_UPDATE' then 'MISSING_BIZIBLE_CUSTOM_FIELDS_PERMISSIONS'
    when 'CANNOT_UPDATE_CONVERTED_LEAD' then 'MISSING_CONVERTED_LEAD_PERMISSION'
    when 'MISSING_PERMISSION' then 'MISSING_OBJECT_WRITE_PERMISSION'
    when 'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY' then 'MISSING_RECORD_OBJECT_PERMISSIONS'
    when 'REQUEST_LIMIT_EXCEEDED' then 'API_LIMIT_EXCEEDED'
    when 'API_DISABLED_FOR_ORG' then 'API_DISABLED'
    when 'RESTAPINOTENABLED' then 'API_DISABLED'
    else code end;
-- ExportErrors for people, with Adobe's name of each code and the key of the record that an error waits for.
create or replace view crm_export.ReadableExportErrors as
select e.id, e.stream, e.object, e.record_key, e.external_id, e.salesforce_id, e.operation,
       crm_export.adobe_code(e.error_code) as adobe_code, e.error_code, e.error_name, e.error_class,
       e.error_message, array_to_string(e.error_fields, ', ') as error_fields, e.status, e.holding,
       p.stream as waits_for_stream, p.record_key as waits_for_key, e.attempts, e.record_changed_at,
       e.first_seen_at, e.last_seen_at, e.next_attempt_at, e.resolved_at, e.resolved_by
from crm_export.ExportErrors e
left join crm_export.ExportErrors p on p.id = e.waiting_for and e.status = 'waiting';

-- Problems from before alerts existed are also reported once.
select crm_export.raise_alert(
           format('held:%s:%s', w.stream, e.record_key), 'held', 'critical', w.stream, e.record_key, null, e.id)
from crm_export.ExportWatermarks w join crm_export.ExportErrors e on e.id = w.stopped_at_error_id
where w.held_since is not null
  and obj_description('crm_export'::regnamespace, 'pg_namespace') in ('CRM Export schema 1', 'CRM Export schema 2');
select crm_export.raise_alert(
           format('rejected:%s:%s', e.stream, e.cause), 'rejected', 'warning', e.stream, e.cause, null, min(e.id))
from crm_export.ExportErrors e
where e.status in ('open', 'waiting')
  and obj_description('crm_export'::regnamespace, 'pg_namespace') in ('CRM Export schema 1', 'CRM Export schema 2')
group by e.stream, e.cause;

-- The version that install_schema() checks. It comes last, so that a partly executed file does not count as installed.
comment on schema crm_export is 'CRM Export schema 3';
