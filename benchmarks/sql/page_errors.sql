-- Export errors of twenty streams by 600 causes: half are resolved, 3 of 10 open, 1 waits for the one before it.
insert into crm_export.ExportErrors (
    stream, object, record_key, external_id, operation, record_changed_at, error_code, error_name, error_class,
    error_message, error_fields, status, waiting_for, attempts, first_seen_at, last_seen_at, next_attempt_at,
    resolved_at, resolved_by, ignored_reason, ignored_until, dag_id, run_id)
select 'stream_' || lpad((n / 10 %% 20)::text, 2, '0'), 'Object_' || n / 10 %% 20 || '__c', 'KEY_' || lpad(n::text, 9, '0'),
       'K' || lpad(n::text, 9, '0'), 'upsert', e.at - interval '1 minute',
       (array['FIELD_CUSTOM_VALIDATION_EXCEPTION', 'REQUIRED_FIELD_MISSING', 'INVALID_CROSS_REFERENCE_KEY'])[1 + n %% 3],
       (array['validation_rule', 'required_field', 'unknown_parent'])[1 + n %% 3], 'data',
       'Rule ' || chr(97 + n / 600 %% 10) || chr(97 + n / 200 %% 3) || ': the value of person' || n
           || '@example.com does not agree with what was agreed for region ' || n %% 37,
       array['Field_' || n %% 5 || '__c'],
       case when n %% 10 < 5 then 'resolved' when n %% 10 < 8 then 'open' when n %% 10 = 8 then 'waiting'
            when n %% 20 = 9 then 'set_aside' else 'ignored' end,
       case when n %% 10 = 8 then n - 1 end, 1 + n %% 7, e.at, e.at + n %% 100 * interval '1 minute', now(),
       case when n %% 10 < 5 then e.at + interval '1 day' end, case when n %% 10 < 5 then 'CRMExport_ExportError' end,
       case when n %% 20 = 19 then 'known' end, case when n %% 20 = 19 then now() + interval '30 days' end,
       'CRMExport', 'scheduled__' || n
from generate_series(1, %(errors)s::int) n,
     lateral (select now() - (%(errors)s - n) * interval '1 minute' - interval '2 days' as at) e
