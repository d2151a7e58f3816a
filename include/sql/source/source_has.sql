-- Returns whether the source still has a row.
select exists (select 1 from {source} s where {is_given})
