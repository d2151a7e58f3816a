-- Counts the API calls of the last 24 hours; given a stream, without those of streams that are exported to another org.
select coalesce(sum(r.api_calls), 0)::bigint from crm_export.ExportRuns r
where r.started_at > now() - interval '24 hours'
  and not exists (select from crm_export.ExportWatermarks other
                  join crm_export.ExportWatermarks mine on mine.stream = %(stream)s
                  where other.stream = r.stream and other.organization_id <> mine.organization_id)
