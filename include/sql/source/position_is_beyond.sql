-- Returns whether a position is after another one.
select (%(cursor_at)s::timestamptz, {end_key}) > (%(from_cursor_at)s::timestamptz, {from_key})
