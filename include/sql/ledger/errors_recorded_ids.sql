-- What errors_record.sql returns for a batch with a manifest.
select j.ordinal, r.id, r.attempts from recorded r join judged j using (record_key)
