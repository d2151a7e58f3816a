-- Reads who holds the lease of a stream, until when, and whether that run gives it up when it is wanted.
select lease_owner as owner, lease_until::text as until,
       greatest(0, extract(epoch from lease_until - clock_timestamp()))::float as seconds_left,
       lease_until is not null and lease_yields as yields
from crm_export.ExportWatermarks where stream = %(stream)s
