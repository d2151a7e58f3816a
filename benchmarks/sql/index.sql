-- The index that makes the cost of a run that of its changes.
create index on {table} (changed_at, id collate "C")
