-- The warehouse of Northwind Cloud (fictional), with the names of Marketo Measure's views.
create schema if not exists mm;

create table if not exists mm.biz_accounts (
    id text primary key, name text, web_site text, engagement_rating text, engagement_score numeric, domain text,
    is_deleted boolean not null default false, created_date timestamptz, modified_date timestamptz,
    _created_date timestamptz not null, _modified_date timestamptz not null, _deleted_date timestamptz);
create table if not exists mm.biz_leads (
    id text primary key, email text, company text, lead_source text, is_converted boolean not null default false,
    converted_contact_id text, accountid text, is_deleted boolean not null default false,
    _created_date timestamptz not null, _modified_date timestamptz not null, _deleted_date timestamptz);
create table if not exists mm.biz_contacts (
    id text primary key, email text, accountid text, lead_source text, is_deleted boolean not null default false,
    _created_date timestamptz not null, _modified_date timestamptz not null, _deleted_date timestamptz);
create table if not exists mm.biz_opportunities (
    id text primary key, account_id text, name text, amount numeric, is_won boolean, is_closed boolean,
    created_date date, close_date date, bizible_stage text, currency_iso_code text, primary_contact_id text,
    _created_date timestamptz not null, _modified_date timestamptz not null, _deleted_date timestamptz);
create table if not exists mm.biz_campaigns (
    id text primary key, name text, type text, areas_of_interest text, start_date date, end_date date,
    _created_date timestamptz not null, _modified_date timestamptz not null, _deleted_date timestamptz);
create table if not exists mm.biz_campaign_members (
    id text primary key, campaign_id text not null, contact_id text not null, status text,
    _created_date timestamptz not null, _modified_date timestamptz not null);
create table if not exists mm.biz_touchpoints (
    id text primary key, email text, contact_id text, account_id text, lead_id text, unique_id_person text,
    user_touchpoint_id text, touchpoint_date timestamptz, marketing_touch_type text, channel text, category1 text,
    category2 text, category3 text, browser_name text, platform_name text, landing_page text, landing_page_raw text,
    referrer_page text, referrer_page_raw text, form_page text, form_page_raw text, city text, region text,
    country text, medium text, web_source text, search_phrase text, campaign_unique_id text, campaign_name text,
    keyword_name text, keyword_match_type text, is_first_touch boolean, is_lead_creation_touch boolean,
    u_shape_percentage numeric, is_deleted boolean not null default false, modified_date timestamptz,
    _created_date timestamptz not null, _modified_date timestamptz not null, _deleted_date timestamptz);
create table if not exists mm.biz_attribution_touchpoints (
    id text primary key, opportunity_id text, contact_id text, account_id text, email text,
    touchpoint_date timestamptz, marketing_touch_type text, channel text, category1 text, category2 text,
    web_source text, medium text, landing_page text, campaign_unique_id text,
    is_first_touch boolean, is_lead_creation_touch boolean, is_opp_creation_touch boolean, is_closed_touch boolean,
    first_click_percentage numeric, last_anon_click_percentage numeric, u_shape_percentage numeric,
    w_shape_percentage numeric, full_path_percentage numeric, custom_model_percentage numeric,
    is_deleted boolean not null default false, modified_date timestamptz,
    _created_date timestamptz not null, _modified_date timestamptz not null, _deleted_date timestamptz);

create index if not exists biz_accounts_changed on mm.biz_accounts (_modified_date, id collate "C");
create index if not exists biz_leads_changed on mm.biz_leads (_modified_date, id collate "C");
create index if not exists biz_campaigns_changed on mm.biz_campaigns (_modified_date, id collate "C");
create index if not exists biz_campaign_members_changed
    on mm.biz_campaign_members (_modified_date, id collate "C");
create index if not exists biz_touchpoints_changed on mm.biz_touchpoints (_modified_date, id collate "C");
create index if not exists biz_attribution_touchpoints_changed
    on mm.biz_attribution_touchpoints (_modified_date, id collate "C");

create or replace view mm.crm_persons as
select id, 'Person_' || id as unique_id, email, id as lead_id, converted_contact_id as contact_id,
       _modified_date, _deleted_date
from mm.biz_leads;

create or replace view mm.crm_lead_accounts as
select id, accountid, _modified_date from mm.biz_leads where accountid is not null;

create or replace view mm.crm_touchpoints as
select id, contact_id, account_id, 'Person_' || unique_id_person as person_unique_id, touchpoint_date,
       marketing_touch_type, channel as channel_path, split_part(channel, '.', 1) as channel,
       concat_ws('; ', category1, category2, category3) as segment,
       landing_page, landing_page_raw, referrer_page, referrer_page_raw, form_page, form_page_raw,
       web_source, medium, campaign_unique_id,
       concat_ws(', ', case when is_first_touch then 'FT' end, case when is_lead_creation_touch then 'LC' end,
                 case when form_page is not null and not is_lead_creation_touch then 'Form' end) as position,
       u_shape_percentage, _modified_date, _deleted_date
from mm.biz_touchpoints;

create or replace view mm.crm_attribution_touchpoints as
select b.id, b.opportunity_id, b.contact_id, b.account_id, b.touchpoint_date, b.marketing_touch_type,
       b.channel as channel_path, split_part(b.channel, '.', 1) as channel,
       concat_ws('; ', b.category1, b.category2) as segment, b.web_source, b.medium, b.landing_page,
       b.campaign_unique_id,
       concat_ws(', ', case when b.is_first_touch then 'FT' end, case when b.is_lead_creation_touch then 'LC' end,
                 case when b.is_opp_creation_touch then 'OC' end, case when b.is_closed_touch then 'Closed' end,
                 case when not (b.is_first_touch or b.is_lead_creation_touch or b.is_opp_creation_touch
                                or b.is_closed_touch) then 'PostLC' end) as position,
       b.first_click_percentage, b.u_shape_percentage, b.w_shape_percentage, b.full_path_percentage,
       round(o.amount * b.first_click_percentage / 100, 2) as first_click_revenue,
       round(o.amount * b.w_shape_percentage / 100, 2) as w_shape_revenue,
       round(o.amount * b.full_path_percentage / 100, 2) as full_path_revenue,
       b._modified_date, b._deleted_date
from mm.biz_attribution_touchpoints b
left join mm.biz_opportunities o on o.id = b.opportunity_id;
