-- Reads who holds the lease of a stream and until when.
select lease_owner as owner, lease_until::text as until,
       greatest(0, extract(epoch from lease_until - clock_timestamp()))::float as seconds_left
from crm_export.ExportWatermarks where stream = %(stream)s
