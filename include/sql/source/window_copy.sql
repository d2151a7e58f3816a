-- Writes the rows of a window as CSV, in the order in which the job processes them.
copy (
    select {columns}
    from {source} s
    where {range} and {needs_collections} is not true {part}
    order by {order}
) to stdout (format csv, null '#N/A')
