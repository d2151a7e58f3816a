-- Records the rejected records of a batch: one unresolved row per record, and one line per attempt.
with rejected as (
    {rejected}
), judged as (
    select r.*, p.id as parent
    from rejected r
    left join lateral (
        select e.id from crm_export.ExportErrors e
        where e.object = r.parent_object
          -- Salesforce prints the number 1001 as 1001.0 or 1.001E3
          and lower(e.external_id) in (
              lower(r.parent_external_id),
              case when r.parent_external_id ~ '^-?[0-9]{{1,20}}[.][0-9]{{1,20}}(E-?[0-9]{{1,2}})?$'
                   then trim_scale(r.parent_external_id::numeric)::text end)
          and e.status <> 'resolved'
        order by e.id + 0 limit 1  -- not by the primary key: without statistics that would read every error
    ) p on true
), recorded as (
    insert into crm_export.ExportErrors as e (
        stream, object, record_key, external_id, salesforce_id, operation, record_changed_at,
        error_code, error_name, error_class, error_message, error_fields, status, waiting_for,
        reexports, next_attempt_at, dag_id, run_id, job_id, payload)
    select %(stream)s, %(object)s, j.record_key, j.external_id, j.salesforce_id, %(operation)s,
           j.cursor_at, j.code, j.name, j.class, j.message,
           j.fields,
           case when j.parent is null then 'open' else 'waiting' end, j.parent,
           0, clock_timestamp(), %(dag_id)s, %(run_id)s, %(job_id)s, j.payload
    from judged j
    order by j.ordinal
    on conflict (stream, record_key) where status <> 'resolved' do update set
        external_id = excluded.external_id, operation = excluded.operation,
        salesforce_id = coalesce(excluded.salesforce_id, e.salesforce_id),
        record_changed_at = excluded.record_changed_at,
        error_code = excluded.error_code, error_name = excluded.error_name,
        error_class = excluded.error_class, error_message = excluded.error_message,
        error_fields = excluded.error_fields, payload = excluded.payload,
        -- an operator's decision holds until the row changes
        status = case when e.status in ('set_aside', 'ignored')
                       and e.record_changed_at is not distinct from excluded.record_changed_at
                      then e.status else excluded.status end,
        waiting_for = excluded.waiting_for,
        attempts = e.attempts + 1,
        reexports = e.reexports + case when %(reexport)s then 1 else 0 end,
        last_seen_at = clock_timestamp(),
        -- the daily job waits longer after each attempt; an hour less, so that a daily run finds the error due
        next_attempt_at = case when %(reexport)s
            then clock_timestamp() + (array[1, 2, 4, 7])[least(e.reexports + 1, 4)] * interval '1 day'
                 - interval '1 hour'
            else least(e.next_attempt_at, clock_timestamp()) end,
        dag_id = excluded.dag_id, run_id = excluded.run_id, job_id = excluded.job_id
    returning e.id, e.record_key, e.attempts, e.record_changed_at, e.error_code, e.error_message
), attempted as (
    insert into crm_export.ExportErrorAttempts (error, run, record_changed_at, outcome, error_code, error_message)
    select id, %(run)s, record_changed_at, 'refused', error_code, error_message from recorded
)
{answer}
