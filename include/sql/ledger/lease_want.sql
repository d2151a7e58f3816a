-- Asks the check that holds the lease of a stream for a turn; repeated for as long as the run waits for the turn.
update crm_export.ExportWatermarks set lease_wanted_at = clock_timestamp()
where stream = %(stream)s and lease_yields and lease_until > clock_timestamp()
