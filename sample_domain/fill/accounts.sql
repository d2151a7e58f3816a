-- Accounts; each row is a minute newer than the one before.
insert into mm.biz_accounts (id, name, web_site, domain, engagement_rating, engagement_score,
                             created_date, modified_date, _created_date, _modified_date)
select '001MM' || lpad(n::text, 10, '0'), 'Company ' || n, 'https://company' || n || '.example',
       'company' || n || '.example', (array['A', 'B', 'C', 'D'])[1 + (n * 7 + %(seed)s) %% 4],
       (n * 37 + %(seed)s) %% 100, now() - interval '30 days', now() - interval '30 days', now() - interval '30 days',
       now() - interval '30 days' + n * interval '1 minute'
from generate_series(1, %(accounts)s::int) n
