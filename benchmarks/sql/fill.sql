-- Fills the source: a number always gives the same values. `reject` marks 1 in 1,000 rows a, 9 more b, 90 more c.
insert into {table}
select 'TP2_' || lpad(n::text, 12, '0'), 'Person number ' || n, 'person' || n || '@example.com', 'City ' || n %% 977,
       (array['BR', 'DE', 'US', 'JP'])[1 + n %% 4], n %% 3 > 0, n %% 1000 + 0.25, n %% 100000 + 0.5, n %% 365,
       date '2026-01-01' + n %% 300, timestamptz '2026-03-07 10:11:12.131Z' + n * interval '1 second',
       (array['Paid Search.AdWords', 'Organic Search.Google', 'Email.Newsletter', 'Direct'])[1 + n %% 4], 'cpc', 'google',
       'https://www.example.com/landing/' || n %% 5000 || '?utm_source=google&utm_medium=cpc',
       'https://www.google.com/search?q=term+' || n %% 700, 'CMP_' || lpad((n %% 300)::text, 6, '0'),
       case when n %% 10 <> 3 then 'keyword ' || n %% 900 end,
       'Met at the fair, hall ' || n %% 12 || '; wants an offer for ' || n %% 31 || ' seats',
       case when n %% 1000 = 0 then 'a' when n %% 100 = 0 then 'b' when n %% 10 = 0 then 'c' else 'no' end,
       timestamptz '2026-01-01 00:00:00Z' + n * interval '1 millisecond'
from generate_series(%(first)s::int, %(last)s::int) n
