-- Opportunities. Of 80: 1 to 18 are closed, 19 is in approval, 20 is being edited, 21 has many touchpoints.
-- The first is the one of Adobe's own example: created 7 March 2020, closed 6 May 2020.
insert into mm.biz_opportunities (id, account_id, name, amount, is_won, is_closed, created_date, close_date,
                                  bizible_stage, currency_iso_code, primary_contact_id, _created_date, _modified_date)
select '006MM' || lpad(n::text, 10, '0'), '001MM' || lpad((1 + n %% %(accounts)s::int)::text, 10, '0'),
       'Opportunity ' || n, 1000 * (1 + (n * 13 + %(seed)s) %% 50), n %% 80 between 1 and 9, n %% 80 between 1 and 18,
       date '2020-03-07' + (n - 1), date '2020-05-06' + (n - 1),
       case when n %% 80 between 1 and 18 then 'Closed' else 'Open' end, 'USD',
       '003MM' || lpad((1 + n %% %(contacts)s::int)::text, 10, '0'),
       now() - interval '30 days', now() - interval '30 days' + n * interval '1 minute'
from generate_series(1, %(opportunities)s::int) n
