-- The index with which the cost of a run depends on its changes only.
create index on {table} (changed_at, id collate "C")
