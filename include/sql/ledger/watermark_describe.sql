-- Stores the mapping, the description of the object and the org (with its address) that a stream last ran with.
update crm_export.ExportWatermarks
set mapping = %(mapping)s, mapping_fingerprint = %(fingerprint)s,
    described = %(described)s, described_ever = %(described_ever)s, described_at = clock_timestamp(),
    organization_id = coalesce(%(organization)s, organization_id), instance_url = %(instance_url)s
where stream = %(stream)s and lease_epoch = %(epoch)s
