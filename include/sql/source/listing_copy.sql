-- Writes the unchanged rows of a manifest as CSV, in the order in which the job processes them.
copy (
    select {columns}
    from crm_export.ExportBatchRows m
    join {source} s on {is_of_manifest} and s.{cursor} = m.cursor_at
    where m.batch + 0 = %(batch)s  -- not planned by statistics, which cover other batches only
    order by {order}
) to stdout (format csv, null '#N/A')
