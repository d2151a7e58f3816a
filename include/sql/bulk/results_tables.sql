-- Creates the session's tables for the answers of a job while it is settled, or empties them.
create temp table if not exists crm_export_results (
    external_id text, kind text not null, error text, error_key uuid, salesforce_id text,
    record_key text collate "C", cursor_at timestamptz, payload jsonb, recorded boolean not null default false,
    known boolean not null default false);  -- the record was rejected with the same code before
create temp table if not exists crm_export_verdicts (
    error_key uuid primary key, error text, code text, name text, class text, message text, fields text[],
    parent_object text, parent_external_id text, again boolean);
truncate crm_export_results, crm_export_verdicts
