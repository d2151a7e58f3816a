-- Returns how many whole seconds ago a moment was.
select greatest(0, extract(epoch from clock_timestamp() - %(moment)s::timestamptz))::bigint
