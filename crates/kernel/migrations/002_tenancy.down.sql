drop table audit;
drop table role;
drop table member;
alter table token drop column calls_per_second;
alter table token drop column last_used_at;
alter table token drop column expires_at;
alter table token drop column account_id;
alter table organization drop column settings;
