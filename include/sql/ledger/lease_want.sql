-- Asks the check that holds the lease of a stream for a turn; repeated as long as the turn is waited for.
update crm_export.ExportWatermarks set lease_wanted_at = clock_timestamp()
where stream = %(stream)s and lease_yields and lease_until > clock_timestamp()
