-- Returns whether a window has external ids that begin or end with blanks; without any, only equal ids can collide.
and (select exists (select 1 from {source} s where {range} and not {deleted} and {text} <> {folded}))
