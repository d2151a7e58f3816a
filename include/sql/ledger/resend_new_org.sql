-- Lets a stream start over in another org: forgets its watermark, its stop and what was exported.
with forgotten as (
    delete from crm_export.ExportedVersions where stream = %(stream)s
), cleared as (
    update crm_export.ExportAlerts set cleared_at = clock_timestamp()
    where kind = 'new_field' and stream = %(stream)s and cleared_at is null
), audited as (
    insert into crm_export.ExportAudit (actor, action, reason, selection)
    values (%(asked_by)s, 'resend', %(reason)s, %(stream)s || ' to a new org')
), resolved as (
    update crm_export.ExportErrors
    set status = 'resolved', resolved_at = clock_timestamp(), resolved_by = 'out_of_scope', holding = false
    where stream = %(stream)s and status <> 'resolved'
)
update crm_export.ExportWatermarks
set cursor_at = null, record_key = null, stopped_at_error_id = null, held_since = null, organization_id = null,
    described = null, described_ever = null, described_at = null, mapping_fingerprint = null, instance_url = null,
    lease_epoch = lease_epoch + 1, lease_until = null, lease_owner = null
where stream = %(stream)s
