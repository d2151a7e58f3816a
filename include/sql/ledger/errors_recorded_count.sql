-- What errors_record.sql returns for a job: how many errors are new, and how many were recorded in all.
select count(*) filter (where attempts = 1)::int, count(*)::int from recorded
