-- Writes the rows of a manifest as CSV, each only as it was listed, in the order in which a job is to meet them.
copy (
    select {columns}
    from crm_export.ExportBatchRows m
    join {source} s on {is_of_manifest} and s.{cursor} = m.cursor_at
    where m.batch + 0 = %(batch)s  -- not by statistics, which know other batches only
    order by {order}
) to stdout (format csv, null '#N/A')
