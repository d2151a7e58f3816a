-- Takes the lease of a stream if nobody holds it; this raises the epoch.
update crm_export.ExportWatermarks
set lease_owner = %(owner)s,
    lease_epoch = lease_epoch + 1,
    lease_until = clock_timestamp() + %(seconds)s * interval '1 second'
where stream = %(stream)s and (lease_until is null or lease_until <= clock_timestamp())
returning lease_epoch as epoch, cursor_at::text as cursor_at, record_key, stopped_at_error_id,
          mapping, mapping_fingerprint, described, described_ever, organization_id, database_identity, request_rows,
          case when job_rows_at > clock_timestamp() - interval '24 hours' then job_rows end as job_rows,
          coalesce(described_at > clock_timestamp() - interval '24 hours', false) as described_lately
