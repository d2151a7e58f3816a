-- Takes the lease of a stream if it is free and raises its epoch. A check lets a run that wants the lease go first.
update crm_export.ExportWatermarks
set lease_owner = %(owner)s,
    lease_epoch = lease_epoch + 1,
    lease_until = clock_timestamp() + %(seconds)s * interval '1 second',
    lease_yields = %(yields)s,
    lease_wanted_at = null,
    check_epoch = case when %(begins)s then lease_epoch + 1 else check_epoch end
where stream = %(stream)s and (lease_until is null or lease_until <= clock_timestamp())
  and not (%(yields)s and coalesce(lease_wanted_at > clock_timestamp() - interval '10 seconds', false))
returning lease_epoch as epoch, cursor_at::text as cursor_at, record_key, stopped_at_error_id,
          mapping, mapping_fingerprint, described, described_ever, organization_id, database_identity, request_rows,
          check_epoch, case when job_rows_at > clock_timestamp() - interval '24 hours' then job_rows end as job_rows,
          coalesce(described_at > clock_timestamp() - interval '24 hours', false) as described_lately
