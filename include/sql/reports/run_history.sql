-- Sums what runs did over time in buckets of equal length, empty ones too; now() lets the filter use an index.
with bucket as (
    select generate_series(
        to_timestamp(floor(extract(epoch from now() - %(days)s * interval '1 day') / %(seconds)s) * %(seconds)s),
        now(), %(seconds)s * interval '1 second') as at
), run as (
    select to_timestamp(floor(extract(epoch from r.started_at) / %(seconds)s) * %(seconds)s) as at,
           sum(r.accepted) as exported, sum(r.refused) as rejected, sum(r.api_calls) as api_calls,
           max(extract(epoch from r.started_at - r.oldest_change_at)) as oldest_age_seconds
    from crm_export.ExportRuns r
    where r.started_at > now() - (%(days)s + 1) * interval '1 day'
      and (%(stream)s::text is null or r.stream = %(stream)s)
    group by 1
)
select b.at, coalesce(run.exported, 0)::bigint as exported, coalesce(run.rejected, 0)::bigint as rejected,
       coalesce(run.api_calls, 0)::bigint as api_calls, run.oldest_age_seconds::bigint as oldest_age_seconds
from bucket b left join run on run.at = b.at
order by b.at
